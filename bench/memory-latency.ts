/**
 * How long this machine takes to read memory that no cache holds. A server in JavaScript feels it more than one in C, so
 * ratios of a machine whose memory is slow (a busy host, say) are not those of another one.
 */

/** 256 MiB of words: more than caches hold. A power of two. */
const WORDS = 2 ** 26;
const STEPS = 1_000_000;

/** Nanoseconds of one read at random, each of which has to wait for the one before. */
export function memoryLatencyNs(): number {
  // Written to, or else all of its pages would be the same page of zeros.
  const words = new Uint32Array(WORDS).fill(2);
  let at = 0;
  const began = performance.now();
  // A linear congruential generator of full period (the sum of the constants is odd), whose next step needs what was read.
  for (let i = 0; i < STEPS; i++) at = (Math.imul(at, 1664525) + 1013904223 + words[at]!) & (WORDS - 1);
  const ms = performance.now() - began;
  // `at` has to be used, or else there is no loop.
  return at < 0 ? Number.NaN : (ms * 1e6) / STEPS;
}
