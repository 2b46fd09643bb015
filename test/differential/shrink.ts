/** Delta debugging: the smallest part of a list that still fails. */

/**
 * Leaves out ever smaller parts of the list as long as `fails` stays true. The result fails too, and no single element of
 * it can be left out (unless `triesMax` came first).
 */
export async function shrink<T>(
  list: readonly T[],
  fails: (candidate: T[]) => Promise<boolean>,
  triesMax = 3000,
): Promise<T[]> {
  let kept = [...list];
  let tries = 0;
  for (let size = Math.ceil(kept.length / 2); size >= 1; ) {
    let shrunk = false;
    // From the end: what stands behind the failing element goes first, and setters before their users stay.
    for (let end = kept.length; end > 0 && tries < triesMax; end -= size) {
      const from = Math.max(0, end - size);
      const candidate = [...kept.slice(0, from), ...kept.slice(end)];
      tries++;
      if (candidate.length > 0 && (await fails(candidate))) {
        kept = candidate;
        shrunk = true;
      }
    }
    if (tries >= triesMax) break;
    if (size === 1 && !shrunk) break;
    size = size === 1 ? 1 : Math.ceil(size / 2);
  }
  return kept;
}
