/** Sound values and files to make damaged ones of: every type in every encoding, small. */
import { DumpWriter } from '../../src/formats/rdb/dump.js';
import type { RdbVersion } from '../../src/formats/rdb/value-writer.js';
import type { Random } from './random.js';
import { changeStream, rng } from './random-keyspace.js';
import { fillRandomly } from './random-store.js';
import { RdbStore } from './rdb-store.js';
import { MODULE, OLD_VALUES, STREAM, smallFile, sumOf } from './small-file.js';

/** Limits that make trees, tables and many nodes of a few elements; by turns with the usual ones. */
const SMALL_LIMITS = {
  hashMaxListpackEntries: 2,
  setMaxIntsetEntries: 3,
  setMaxListpackEntries: 2,
  zsetMaxListpackEntries: 2,
  listMaxListpackSize: 2,
  streamNodeMaxEntries: 3,
};
const VERSIONS: readonly RdbVersion[] = [9, 10, 11, 12];

interface CorpusOptions {
  /** Hash fields that expire. */
  fieldExpiry: boolean;
  /** Scores that every version of Redis prints the same. */
  plainScores: boolean;
}

function fillStore(store: RdbStore, r: Random, keys: number, options: CorpusOptions): void {
  fillRandomly(store, r.next(), { keys, ...options, small: true });
  for (let i = 0; i < keys / 5; i++) {
    const random = rng(r.next());
    store.putStream(0, `stream ${i}`, (stream) => {
      for (let n = r.below(60); n >= 0; n--) changeStream(stream, Buffer.from(`m${r.below(20)}`), random);
    });
  }
}

/** The bytes of a DUMP payload behind its type and value: version and sum. */
export function sealPayload(body: Uint8Array, version: number): Buffer {
  const whole = Buffer.concat([body, Buffer.from([version & 255, version >> 8])]);
  return Buffer.concat([whole, sumOf(whole)]);
}

/** Bodies (type and value) of DUMP payloads, each with the version that it is of. */
export function drawPayloads(
  r: Random,
  options: CorpusOptions = { fieldExpiry: true, plainScores: false },
): { body: Buffer; version: number }[] {
  const payloads: { body: Buffer; version: number }[] = [
    ...OLD_VALUES.map(({ type, payload }) => ({ body: Buffer.concat([Buffer.from([type]), payload]), version: 12 })),
    { body: Buffer.concat([Buffer.from([21]), STREAM]), version: 11 },
    { body: Buffer.concat([Buffer.from([7]), MODULE]), version: 11 },
  ];
  for (const limits of [{}, SMALL_LIMITS]) {
    const store = new RdbStore(limits);
    fillStore(store, r, 40, options);
    for (const keys of store.databases.values()) {
      for (const entry of keys.values()) {
        const version = r.pick(VERSIONS);
        const writer = new DumpWriter(store.arena, version, r.chance(50));
        if (writer.unsupported(entry) !== '') continue;
        payloads.push({ body: Buffer.from(writer.write(entry).subarray(0, -10)), version });
      }
    }
  }
  return payloads;
}

/** Whole RDB files. */
export function drawFiles(r: Random, count: number): Buffer[] {
  const files = [smallFile()];
  while (files.length < count) {
    const store = new RdbStore(r.chance(50) ? {} : SMALL_LIMITS);
    const version = r.pick(VERSIONS);
    fillStore(store, r, 2 + r.below(9), { fieldExpiry: version === 12, plainScores: false });
    files.push(store.save({ version, compression: r.chance(50), access: r.pick(['none', 'lru', 'lfu']) }));
  }
  return files;
}
