/** Pieces of RDB files put together by hand, for tests of what no server writes any more or never should have. */

import { Arena, byteIndex } from '../../src/memory/arena.js';
import { lpAppend, lpBytes, lpNew } from '../../src/memory/listpack.js';

export const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
/** Spaces and line breaks do not count. */
export const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex');

/** A string of an RDB file as it is, with its length; shorter than 16384 bytes. */
export function rdbString(bytes: Uint8Array | string): Buffer {
  const data = typeof bytes === 'string' ? latin1(bytes) : Buffer.from(bytes);
  const head = data.length < 64 ? [data.length] : [0x40 | (data.length >> 8), data.length & 255];
  return Buffer.concat([Buffer.from(head), data]);
}

const arena = new Arena();

/** The bytes of a listpack; texts that are integers are stored as such. */
export function listpack(...elements: (string | number)[]): Buffer {
  let address = lpNew(arena);
  for (const element of elements) {
    const bytes = latin1(String(element));
    address = lpAppend(arena, address, bytes, 0, bytes.length);
  }
  const at = byteIndex(address);
  const u8 = arena.bytesOf(address);
  const out = Buffer.from(u8.slice(at, at + lpBytes(u8, at)));
  arena.free(address);
  return out;
}

/** Encoding and data of a ziplist's entry. */
export type ZiplistBody = readonly number[];

export function ziplistString(text: string): ZiplistBody {
  const data = [...latin1(text)];
  const n = data.length;
  if (n < 64) return [n, ...data];
  if (n < 16384) return [0x40 | (n >> 8), n & 255, ...data];
  return [0x80, (n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255, ...data];
}

export function ziplist(bodies: readonly ZiplistBody[], count = Math.min(bodies.length, 65535)): Uint8Array {
  const out: number[] = [];
  let before = 0;
  let last = 10;
  for (const body of bodies) {
    last = 10 + out.length;
    const head =
      before < 254 ? [before] : [254, before & 255, (before >> 8) & 255, (before >> 16) & 255, (before >>> 24) & 255];
    for (const byte of head) out.push(byte);
    for (const byte of body) out.push(byte);
    before = head.length + body.length;
  }
  const bytes = new Uint8Array(10 + out.length + 1);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint32(4, last, true);
  view.setUint16(8, count, true);
  bytes.set(out, 10);
  bytes[bytes.length - 1] = 255;
  return bytes;
}

export function u64le(n: number): Buffer {
  const out = Buffer.alloc(8);
  out.writeBigInt64LE(BigInt(n));
  return out;
}

/** A stream's ID as 16 bytes. */
export function streamId(ms: number, seq: number): Buffer {
  const out = Buffer.alloc(16);
  out.writeBigUInt64BE(BigInt(ms), 0);
  out.writeBigUInt64BE(BigInt(seq), 8);
  return out;
}

export interface StreamPieces {
  /** Nodes: first ID and listpack. */
  nodes?: readonly (readonly [Uint8Array, Uint8Array])[];
  length?: number;
  /** Pending entries of the group. */
  pending?: readonly Uint8Array[];
  /** Consumers: name and pending entries. */
  consumers?: readonly (readonly [string, readonly Uint8Array[]])[];
  groups?: readonly string[];
}

/** Count, deleted, fields, names, 0; then for each entry flags, ms, seq, [fields, names,] values, number of elements. */
export const STREAM_NODE = listpack(
  ...[2, 1, 1, 'f', 0],
  ...[2, 0, 0, 'v1', 4],
  ...[3, 1, 0, 'gone', 4],
  ...[0, 1, 1, 2, 'a', 'x', 'b', -7, 8],
);

/**
 * The payload of a stream of type 21; by default sound: entries 1-0 and 2-1, a deleted one between, a group with 1-0 pending
 * for alice, and bob with nothing. Counts are below 64.
 */
export function streamPayload(pieces: StreamPieces): Buffer {
  const first = streamId(1, 0);
  const nodes = pieces.nodes ?? [[first, STREAM_NODE] as const];
  const groups = pieces.groups ?? ['group'];
  const pending = pieces.pending ?? [first];
  const consumers =
    pieces.consumers ??
    ([
      ['alice', [first]],
      ['bob', []],
    ] as const);
  const out: Uint8Array[] = [Buffer.from([nodes.length])];
  for (const [id, pack] of nodes) out.push(rdbString(id), rdbString(pack));
  out.push(hex(`${(pieces.length ?? 2).toString(16).padStart(2, '0')} 02 01  01 00  02 00  03`));
  out.push(Buffer.from([groups.length]));
  for (const group of groups) {
    out.push(rdbString(group), hex('01 00 01'), Buffer.from([pending.length]));
    for (const id of pending) out.push(id, u64le(1000), hex('01'));
    out.push(Buffer.from([consumers.length]));
    for (const [name, ids] of consumers) {
      out.push(rdbString(name), u64le(1000), u64le(name === 'bob' ? -1 : 1001), Buffer.from([ids.length]), ...ids);
    }
  }
  return Buffer.concat(out);
}
