import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DIRECTIVES, type Directive } from './directives.js';

const PAGE = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');

/** The names in backquotes under a heading; `x-*` stands for all that begin so. */
function namesUnder(heading: string): RegExp[] {
  const section = PAGE.split(`## ${heading}\n`)[1]!.split('\n## ')[0]!;
  return [...section.matchAll(/`([a-z-]+\*?)`/g)].map((match) => new RegExp(`^${match[1]!.replace('*', '.*')}$`));
}

it('the page names exactly the directives that have nothing to act on', () => {
  const named = namesUnder('What has nothing to act on');
  const wrong = (DIRECTIVES as readonly Directive[])
    .filter(({ name, idle }) => named.some((pattern) => pattern.test(name)) !== (idle === true))
    .map(({ name }) => name);
  expect(wrong).toEqual([]);
});
