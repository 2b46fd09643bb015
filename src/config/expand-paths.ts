/** `include /etc/redis/conf.d/*.conf`: the paths that a pattern finds, as the shell would, sorted. */
import { existsSync, readdirSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

export function isPathPattern(path: string): boolean {
  return /[*?[]/.test(path);
}

/** Existing paths, spelled as the pattern spells them; a relative pattern is meant from `from`. */
export function expandPaths(pattern: string, from: string): string[] {
  let found = [isAbsolute(pattern) ? '/' : ''];
  for (const part of pattern.split('/').filter((each) => each !== '')) {
    if (!isPathPattern(part)) {
      found = found.map((path) => join(path, part)).filter((path) => existsSync(absolute(path, from)));
      continue;
    }
    const matcher = partMatcher(part);
    found = found.flatMap((path) =>
      entries(absolute(path, from))
        .filter((name) => matcher.test(name) && (part.startsWith('.') || !name.startsWith('.')))
        .map((name) => join(path, name)),
    );
  }
  return found.sort();
}

function absolute(path: string, from: string): string {
  return isAbsolute(path) ? path : join(from, path);
}

function entries(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** One part of a path as a regular expression: `*`, `?`, `[a-z]`, `[!a]`; a backslash takes the next character as it is. */
function partMatcher(part: string): RegExp {
  let source = '';
  for (let i = 0; i < part.length; i++) {
    const c = part[i]!;
    const close = c === '[' ? part.indexOf(']', i + (/^\[[!^]?\]/.test(part.slice(i)) ? 3 : 1)) : -1;
    if (c === '*') source += '.*';
    else if (c === '?') source += '.';
    else if (close > 0) {
      const inside = part.slice(i + 1, close);
      const negated = /^[!^]/.test(inside);
      source += `[${negated ? '^' : ''}${inside.slice(negated ? 1 : 0).replace(/[\\\]^]/g, '\\$&')}]`;
      i = close;
    } else {
      const literal = c === '\\' && i + 1 < part.length ? part[++i]! : c;
      source += literal.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
    }
  }
  return new RegExp(`^${source}$`, 'su');
}
