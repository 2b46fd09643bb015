/**
 * One small RDB file with every type in every form, old and new: what a reader can meet. Damaged files are made from it.
 */
import { Crc64 } from '../../src/base/crc64.js';
import { hex, latin1, listpack, rdbString, streamPayload, u64le, ziplist, ziplistString } from './rdb-bytes.js';
import { RdbStore } from './rdb-store.js';

export const STREAM = streamPayload({});

export const MODULE = hex(
  '81 2a0b3c4d5e6f7001  01 05  02 81 0000010000000000  03 0000803f  04 000000000000f03f  05 03 616263  00',
);

const OLD_PAIRS = rdbString(ziplist([ziplistString('a'), [0xf2], ziplistString('b'), [0xc0, 1, 2]]));
const OLD_LIST = rdbString(ziplist([ziplistString('a'), [0xfe, 200]]));
const EXPIRING = rdbString(listpack('b', 2, 123456789, 'a', 1, 0));

/** What nobody writes any more, or not by default: plain forms, ziplists, a zipmap, a quicklist of ziplists. */
export const OLD_VALUES: readonly { type: number; payload: Buffer }[] = [
  { type: 1, payload: Buffer.concat([hex('02'), rdbString('x'), rdbString('y')]) },
  { type: 2, payload: Buffer.concat([hex('02'), rdbString('x'), rdbString('y')]) },
  { type: 3, payload: Buffer.concat([hex('02'), rdbString('x'), rdbString('1.5'), rdbString('y'), hex('fe')]) },
  { type: 4, payload: Buffer.concat([hex('01'), rdbString('x'), rdbString('y')]) },
  { type: 9, payload: rdbString(hex('01 01 66 01 01 76 00 ff')) },
  { type: 10, payload: OLD_LIST },
  { type: 12, payload: OLD_PAIRS },
  { type: 13, payload: OLD_PAIRS },
  { type: 14, payload: Buffer.concat([hex('02'), OLD_LIST, OLD_LIST]) },
  { type: 25, payload: Buffer.concat([u64le(123456789), EXPIRING]) },
];

/** RDB 12: 22 keys in databases 0, 3 and 5, a library, a module's data. */
export function smallFile(): Buffer {
  const store = new RdbStore();
  const never = Number.NaN;
  const far = 4_102_444_800_000;
  store.putString(0, 's', latin1('value'), far);
  store.putString(0, 'i', latin1('-70000'));
  store.putString(0, 'lzf', latin1('abc'.repeat(12)));
  store.putList(0, 'l', ['a', '12', '-70000', 'c'.repeat(40)].map(latin1));
  store.putSet(0, 'is', ['1', '70000', '-9'].map(latin1));
  store.putSet(0, 'ss', ['m', 'n', '9007199254740993'].map(latin1));
  store.putZset(0, 'z', [
    [1, latin1('a')],
    [2.5, latin1('b')],
    [-1e10, latin1('c')],
  ]);
  store.putHash(0, 'h', [
    [latin1('f'), latin1('v'), never],
    [latin1('g'), latin1('1'), never],
  ]);
  store.putHash(0, 'he', [
    [latin1('f'), latin1('v'), far],
    [latin1('g'), latin1('1'), never],
  ]);
  store.putBlob(3, 'x', 21, STREAM);
  store.putBlob(3, 'm', 7, MODULE);
  store.libraries.push('#!lua name=x\n');
  const written = store.save({ version: 12, access: 'lru', lruClock: 77 });

  const key = (type: number, name: string, value: Uint8Array): Buffer =>
    Buffer.concat([Buffer.from([type]), rdbString(name), value]);
  const body = Buffer.concat([
    written.subarray(0, -9),
    hex('fe 05  fb 0c 01'),
    ...OLD_VALUES.map(({ type, payload }) => key(type, `old ${type}`, payload)),
    hex('f4 07 01 00  fd 01000000  f9 05'),
    key(0, 'j', rdbString('')),
    hex('f7'),
    hex('81 2a0b3c4d5e6f7001 02 02 05 04 64617461 00'),
    hex('ff'),
  ]);
  return Buffer.concat([body, sumOf(body)]);
}

/** The CRC64 that ends a file. */
export function sumOf(body: Uint8Array): Buffer {
  const out = Buffer.alloc(8);
  new Crc64().update(body, 0, body.length).write(out, 0);
  return out;
}
