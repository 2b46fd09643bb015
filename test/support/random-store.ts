/**
 * Random data sets for tests of the RDB codecs: every type in every encoding, with the edges that codecs trip over (empty
 * strings, integers at the limits of their forms, repeats that compress, noise that does not).
 */
import { rng } from './random-keyspace.js';
import type { RdbStore } from './rdb-store.js';

const EDGE_INTEGERS = [
  ...['0', '-1', '12', '13', '127', '128', '-128', '-129', '4095', '4096', '-4097', '32767', '-32768', '32768'],
  ...['8388607', '-8388609', '2147483647', '-2147483648', '2147483648', '9007199254740993'],
  ...['9223372036854775807', '-9223372036854775808', '9223372036854775808', '007', '-0', '+1', ' 1', '1.0'],
];
// Without -0: a listpack, in Redis too, stores it as 0.
const EDGE_SCORES = [0, 1, -1, 0.1, 2.5, 1e20, -1e-300, 2 ** 53, 3.0000000001, 123456789.125, Infinity, -Infinity];
const EDGE_TIMES = [1, 4_102_444_800_789, 2 ** 41, 2 ** 47];

export interface RandomStoreOptions {
  keys: number;
  /** Hash fields that expire. */
  fieldExpiry?: boolean;
  /** Scores whose text is the same in every version of Redis: those that Redis 7.0 prints shortest, too. */
  plainScores?: boolean;
  /** Few elements and short ones: for files that are damaged byte by byte. */
  small?: boolean;
  /** Times of expiry, by default far in the future and long ago. */
  times?: readonly number[];
}

export function fillRandomly(store: RdbStore, seed: number, options: RandomStoreOptions): void {
  const random = rng(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const pick = <T>(from: readonly T[]): T => from[below(from.length)]!;

  function bytes(): Uint8Array {
    const kind = random();
    if (kind < 0.25) return Buffer.from(pick(EDGE_INTEGERS));
    if (kind < 0.4) return Buffer.from(String(below(2 ** 31) - 2 ** 30));
    if (kind < 0.7) return Buffer.from(`m${below(1e9).toString(36)}`.repeat(1 + below(3)));
    if (kind < 0.75) return new Uint8Array(0);
    if (kind < 0.9 || options.small)
      return Uint8Array.from({ length: below(options.small ? 30 : 80) }, () => below(256));
    if (kind < 0.98) return new Uint8Array(below(3000)).fill(below(256));
    return Uint8Array.from({ length: 2000 + below(20_000) }, () => below(256));
  }
  const count = (): number => pick(options.small ? [1, 2, 3, 5, 12] : [1, 2, 5, 30, 127, 128, 129, 300, 513, 700]);
  const elements = (n: number, prefix: string): Uint8Array[] =>
    Array.from({ length: n }, (_, i) => (random() < 0.3 && i < 40 ? bytes() : Buffer.from(`${prefix}${i}`)));
  const score = (): number => {
    if (options.plainScores) return pick([below(1e6) - 5e5, below(1000) / 4, 0, -1.5, Infinity, -Infinity]);
    return random() < 0.3 ? pick(EDGE_SCORES) : (random() - 0.5) * 10 ** below(12);
  };

  for (let i = 0; i < options.keys; i++) {
    const db = pick([0, 0, 0, 1, 5, 200]);
    const name =
      random() < 0.05 && !options.small
        ? `${'k'.repeat(5000)}${i}`
        : random() < 0.1
          ? String(i * 1000)
          : `key:${i}\x00\xff`;
    const at = random() < 0.3 ? pick(options.times ?? EDGE_TIMES) : Number.NaN;
    switch (below(6)) {
      case 0:
        store.putString(db, name, bytes(), at);
        break;
      case 1:
        store.putList(db, name, elements(count(), 'element'), at);
        break;
      case 2:
        store.putSet(db, name, elements(count(), 'member'), at);
        break;
      case 3:
        store.putSet(
          db,
          name,
          elements(count(), '').map((_, n) => Buffer.from(String(n * pick([1, 70_000])))),
          at,
        );
        break;
      case 4: {
        const pairs = elements(count(), 'z').map((member) => [score(), member] as const);
        store.putZset(db, name, pairs, at);
        break;
      }
      default: {
        const expiring = options.fieldExpiry === true && random() < 0.5;
        const fields = elements(count(), 'field').map((field) => {
          const fieldAt = expiring && random() < 0.3 ? pick(EDGE_TIMES) : Number.NaN;
          return [field, bytes(), fieldAt] as const;
        });
        store.putHash(db, name, fields, at);
      }
    }
  }
}
