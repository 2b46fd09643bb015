/** What a server and its children use of memory, read from /proc: Pss counts a page shared by n processes as 1/n each. */
import { readdirSync, readFileSync } from 'node:fs';

/** The process and all its descendants. */
export function processTree(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const parent = Number(statFields(Number(name))[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    } catch {
      // it ended meanwhile
    }
  }
  const tree = [pid];
  for (let i = 0; i < tree.length; i++) tree.push(...(children.get(tree[i]!) ?? []));
  return tree;
}

/** Milliseconds of one tick of /proc's clock. */
const TICK_MS = 10;

/** The numbered fields of a process's stat, from the third one (its state) on. */
function statFields(pid: number | 'self'): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // "pid (name) state ppid ...": the name may hold anything, so count from its closing parenthesis.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** CPU time that all threads of the process have used, in milliseconds. */
export function cpuMs(pid: number): number {
  const fields = statFields(pid);
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** CPU time of those children of this process that have ended, in milliseconds. */
export function endedChildrenCpuMs(): number {
  const fields = statFields('self');
  return (Number(fields[13]) + Number(fields[14])) * TICK_MS;
}

/** Bytes of Pss of the process and its descendants. */
export function pssBytes(pid: number): number {
  let total = 0;
  for (const member of processTree(pid)) {
    try {
      const kilobytes = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${member}/smaps_rollup`, 'latin1'))?.[1];
      total += 1024 * Number(kilobytes ?? 0);
    } catch {
      // it ended meanwhile
    }
  }
  return total;
}

/** The highest Pss until `done` resolves, looked at every `everyMs`. */
export async function peakPss(pid: number, done: Promise<unknown>, everyMs = 100): Promise<number> {
  let peak = pssBytes(pid);
  let ended = false;
  const end = done.finally(() => {
    ended = true;
  });
  while (!ended) {
    await new Promise((resolve) => setTimeout(resolve, everyMs));
    peak = Math.max(peak, pssBytes(pid));
  }
  await end;
  return peak;
}

/** Pss once it has come to rest: two looks a quarter of a second apart that differ by less than a half percent. */
export async function settledPss(pid: number): Promise<number> {
  let last = pssBytes(pid);
  for (let look = 0; look < 20; look++) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    const now = pssBytes(pid);
    if (Math.abs(now - last) < now / 200) return now;
    last = now;
  }
  return last;
}
