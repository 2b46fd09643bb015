/** Assertions stay on in production: a broken invariant ends the process before it can reach a file. */
export class AssertionError extends Error {
  override name = 'AssertionError';
}

export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new AssertionError(`invariant broken: ${what}`);
}

export function unreachable(what: string): never {
  throw new AssertionError(`unreachable: ${what}`);
}
