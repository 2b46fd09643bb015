import { describe, expect, it } from 'vitest';
import { Slice } from '../base/slice.js';
import { Arena, byteIndex } from './arena.js';
import {
  LP_HEADER,
  lpAppend,
  lpBytes,
  lpBytesOf,
  lpCopy,
  lpCount,
  lpDelete,
  lpEquals,
  lpFind,
  lpFirst,
  lpFromBytes,
  lpGet,
  lpInsert,
  lpInt64,
  lpIsEnd,
  lpLast,
  lpLength,
  lpMerge,
  lpNew,
  lpNext,
  lpNumber,
  lpPrepend,
  lpPrev,
  lpReplace,
  lpReserve,
  lpSeek,
  lpTail,
  lpValidate,
} from './listpack.js';

/** A small deterministic generator; the seed is in the test's name, so a failure repeats. */
function rng(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 32;
  };
}

const latin1 = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));
const slice = new Slice();

function hex(arena: Arena, address: number): string {
  const u8 = arena.bytesOf(address);
  const off = byteIndex(address);
  return Buffer.from(u8.subarray(off, off + lpBytes(u8, off))).toString('hex');
}

function build(arena: Arena, elements: string[]): number {
  let address = lpNew(arena);
  for (const element of elements) address = lpAppend(arena, address, latin1(element), 0, element.length);
  return address;
}

function elements(arena: Arena, address: number): string[] {
  const u8 = arena.bytesOf(address);
  const off = byteIndex(address);
  const out: string[] = [];
  for (let pos = lpFirst(u8, off); pos !== 0; pos = lpNext(u8, off, pos)) {
    lpGet(u8, off, pos, slice);
    out.push(slice.toString());
  }
  return out;
}

// biome-ignore format: one number a bound
const INTEGERS = [
  '0', '1', '127', '128', '-1', '-4096', '4095', '-4097', '4096', '-32768', '32767', '32768', '-32769', '8388607',
  '-8388608', '8388608', '-8388609', '2147483647', '-2147483648', '2147483648', '-2147483649', '9007199254740991',
  '9007199254740993', '-9007199254740993', '9223372036854775807', '-9223372036854775808', '9223372036854775808',
];
const STRINGS = ['', '-', '-0', '00', '01', '+1', ' 1', '1 ', '1.0', 'a', '-a', '12345678901234567890', 'abc\x00\xff'];

// What redis-server 7.0.15 puts into DUMP for a list of these elements.
const INTEGERS_HEX =
  'b00000001b00000101017f01c08002dfff02d00002cfff02f1ffef03f1001003f1008003f1ff7f03f200800004f2ff7fff04f2ffff7f04f2' +
  '00008004f30000800005f3ffff7fff05f3ffffff7f05f30000008005f4000000800000000009f4ffffff7fffffffff09f4ffffffffffff1f' +
  '0009f4010000000000200009f4ffffffffffffdfff09f4ffffffffffffff7f09f40000000000000080099339323233333732303336383534' +
  '37373538303814ff';
const STRINGS_HEX =
  '4d0000000d008001812d02822d30038230300382303103822b3103822031038231200383312e3004816102822d6103943132333435363738' +
  '393031323334353637383930158561626300ff06ff';

describe('the bytes are those that Redis writes', () => {
  it('integers of every width, at their bounds', () => {
    const arena = new Arena();
    expect(hex(arena, build(arena, INTEGERS))).toBe(INTEGERS_HEX);
  });

  it('texts that only look like integers stay strings', () => {
    const arena = new Arena();
    expect(hex(arena, build(arena, STRINGS))).toBe(STRINGS_HEX);
  });

  // length, first 12 bytes, last bytes
  it.each([
    [63, '480000000100bf7878787878', '78787840ff'],
    [64, '4a0000000100e04078787878', '78787842ff'],
    [125, '870000000100e07d78787878', '7878787fff'],
    [126, '890000000100e07e78787878', '78780180ff'],
    [4095, '0a1000000100efff78787878', '78782081ff'],
    [4096, '0e1000000100f00010000078', '78782085ff'],
    [16377, '074000000100f0f93f000078', '7878787ffeff'],
    [16378, '094000000100f0fa3f000078', '7800ffffff'],
    [16381, '0c4000000100f0fd3f000078', '78018082ff'],
  ])('a string of %i bytes: length and backlen', (length, first, last) => {
    const arena = new Arena();
    const written = hex(arena, build(arena, ['x'.repeat(length)]));
    expect(written.slice(0, 24)).toBe(first);
    expect(written.slice(-last.length)).toBe(last);
  });

  it('backlens of three and of four bytes read back', () => {
    const arena = new Arena();
    for (const length of [2097151 - 6, 2097151 - 5, 5_000_000]) {
      const big = new Uint8Array(length).fill(120);
      let address = lpAppend(arena, lpNew(arena), big, 0, length);
      address = lpAppend(arena, address, latin1('end'), 0, 3);
      const u8 = arena.bytesOf(address);
      const off = byteIndex(address);
      expect(lpPrev(u8, off, lpLast(u8, off))).toBe(LP_HEADER);
      expect(lpLength(u8, off, LP_HEADER)).toBe(length);
      expect(lpValidate(u8, off, lpBytes(u8, off))).toBe(-1);
      arena.free(address);
    }
  });
});

describe('reading', () => {
  it('integers come back as text, number and bigint', () => {
    const arena = new Arena();
    const address = build(arena, INTEGERS);
    expect(elements(arena, address)).toEqual(INTEGERS);
    const u8 = arena.bytesOf(address);
    const off = byteIndex(address);
    INTEGERS.slice(0, -1).forEach((text, i) => {
      const pos = lpSeek(u8, off, i);
      const n = BigInt(text);
      expect(lpInt64(u8, off, pos)).toBe(n);
      const small = n >= -(2n ** 53n) + 1n && n < 2n ** 53n;
      expect(lpNumber(u8, off, pos)).toBe(small ? Number(n) : Number.NaN);
      expect(lpLength(u8, off, pos)).toBe(text.length);
    });
    expect(lpInt64(u8, off, lpLast(u8, off))).toBe(null);
    expect(lpNumber(u8, off, lpLast(u8, off))).toBe(Number.NaN);
  });

  it('two slices read at once do not share their digits', () => {
    const arena = new Arena();
    const address = build(arena, ['123', '45678']);
    const u8 = arena.bytesOf(address);
    const off = byteIndex(address);
    const a = new Slice();
    const b = new Slice();
    lpGet(u8, off, lpSeek(u8, off, 0), a);
    lpGet(u8, off, lpSeek(u8, off, 1), b);
    expect([a.toString(), b.toString()]).toEqual(['123', '45678']);
  });

  it('seek counts from both ends and knows its bounds', () => {
    const arena = new Arena();
    const texts = Array.from({ length: 50 }, (_, i) => (i % 3 === 0 ? `${i * 1000}` : 'x'.repeat(i * 5)));
    const address = build(arena, texts);
    const u8 = arena.bytesOf(address);
    const off = byteIndex(address);
    for (let i = 0; i < 50; i++) {
      lpGet(u8, off, lpSeek(u8, off, i), slice);
      expect(slice.toString()).toBe(texts[i]);
      expect(lpSeek(u8, off, i - 50)).toBe(lpSeek(u8, off, i));
    }
    expect(lpSeek(u8, off, 50)).toBe(0);
    expect(lpSeek(u8, off, -51)).toBe(0);
    expect(lpLast(u8, off)).toBe(lpSeek(u8, off, -1));
    const empty = lpNew(arena);
    expect(lpFirst(arena.bytesOf(empty), byteIndex(empty))).toBe(0);
    expect(lpLast(arena.bytesOf(empty), byteIndex(empty))).toBe(0);
    expect(lpSeek(arena.bytesOf(empty), byteIndex(empty), 0)).toBe(0);
  });

  it('find compares by value, skips values of pairs, and sees integers stored as strings', () => {
    const arena = new Arena();
    const address = build(arena, ['a', 'b', 'b', '7', '7', 'a', 'x'.repeat(100), '9223372036854775807']);
    const u8 = arena.bytesOf(address);
    const off = byteIndex(address);
    const find = (text: string, skip: number, from = LP_HEADER) =>
      lpFind(u8, off, from, latin1(text), 0, text.length, skip);
    expect(find('b', 0)).toBe(lpSeek(u8, off, 1));
    expect(find('b', 1)).toBe(lpSeek(u8, off, 2));
    expect(find('7', 0)).toBe(lpSeek(u8, off, 3));
    expect(find('7', 1)).toBe(lpSeek(u8, off, 4));
    expect(find('x'.repeat(100), 1)).toBe(lpSeek(u8, off, 6));
    expect(find('9223372036854775807', 0)).toBe(lpSeek(u8, off, 7));
    expect(find('9223372036854775807', 1)).toBe(0);
    expect(find('07', 0)).toBe(0);
    expect(find('a', 0, lpSeek(u8, off, 1))).toBe(lpSeek(u8, off, 5));
    expect(find('a', 0, 0)).toBe(0);
    // 0x82 '4' '2': another writer may have kept an integer as a string.
    const foreign = Buffer.from('0b00000001008234320 3ff'.replace(' ', ''), 'hex');
    expect(lpValidate(foreign, 0, foreign.length)).toBe(-1);
    expect(lpFind(foreign, 0, LP_HEADER, latin1('42'), 0, 2, 0)).toBe(LP_HEADER);
    expect(lpEquals(foreign, 0, LP_HEADER, latin1('42'), 0, 2)).toBe(true);
  });

  it('more elements than the header can count', () => {
    const arena = new Arena();
    let address = lpNew(arena);
    for (let i = 0; i < 70_000; i++) address = lpAppend(arena, address, latin1(String(i % 10)), 0, 1);
    const view = () => [arena.bytesOf(address), byteIndex(address)] as const;
    expect(lpCount(...view())).toBe(70_000);
    expect(lpNumber(...view(), lpSeek(...view(), 69_999))).toBe(9);
    expect(lpNumber(...view(), lpSeek(...view(), -69_999))).toBe(1);
    expect(lpValidate(...view(), lpBytes(...view()))).toBe(-1);
    address = lpDelete(arena, address, lpSeek(...view(), 10), 69_000);
    expect(lpCount(...view())).toBe(1000);
    expect(lpValidate(...view(), lpBytes(...view()))).toBe(-1);
  });

  it('works on an attached arena', () => {
    const arena = new Arena();
    const address = build(arena, ['field', '12', 'x'.repeat(500)]);
    const other = Arena.attach(arena.buffers());
    expect(elements(other, address)).toEqual(['field', '12', 'x'.repeat(500)]);
  });
});

describe('validate', () => {
  const sound = Buffer.from(INTEGERS_HEX, 'hex');

  it('accepts what Redis wrote', () => {
    for (const text of [INTEGERS_HEX, STRINGS_HEX]) {
      const bytes = Buffer.from(text, 'hex');
      expect(lpValidate(bytes, 0, bytes.length)).toBe(-1);
    }
  });

  it('refuses every truncation', () => {
    for (let len = 0; len < sound.length; len++) expect(lpValidate(sound.subarray(0, len), 0, len)).not.toBe(-1);
  });

  it.each([
    ['a wrong total', '0800000000 00ff'],
    ['no end byte', '070000000000fe'],
    ['a count that is too high', '090000000200 0101ff'],
    ['a count that is too low', '090000000000 0101ff'],
    ['an unknown encoding', '090000000100 f501ff'],
    ['a string beyond the end', '090000000100 8501ff'],
    ['a backlen that is too long', '090000000100 0102ff'],
    ['a backlen that goes on', '090000000100 0181ff'],
    ['an end byte too early', '0a0000000100 0101ffff'],
    ['a huge string', '0d0000000100 f0ffffffff 01ff'],
    ['a cut length', '0a0000000100 f00101ff'],
  ])('refuses %s', (_, text) => {
    const bytes = Buffer.from(text.replaceAll(' ', ''), 'hex');
    expect(lpValidate(bytes, 0, bytes.length)).not.toBe(-1);
  });

  it('what passes can be read from both ends without leaving it (seed 5)', () => {
    const random = rng(5);
    const strings = Buffer.from(STRINGS_HEX, 'hex');
    let passed = 0;
    for (let round = 0; round < 6000; round++) {
      const bytes = Buffer.from(random() < 0.5 ? sound : strings);
      for (let i = 0; i < 1 + random() * 3; i++) {
        bytes[Math.floor(random() * bytes.length)]! ^= 1 << Math.floor(random() * 8);
      }
      if (lpValidate(bytes, 0, bytes.length) !== -1) continue;
      passed++;
      const forward: number[] = [];
      for (let pos = lpFirst(bytes, 0); pos !== 0; pos = lpNext(bytes, 0, pos)) {
        lpGet(bytes, 0, pos, slice);
        expect(slice.off + slice.len).toBeLessThanOrEqual(bytes.length);
        forward.push(pos);
      }
      const backward: number[] = [];
      for (let pos = lpLast(bytes, 0); pos !== 0; pos = lpPrev(bytes, 0, pos)) backward.push(pos);
      expect(backward.reverse()).toEqual(forward);
      expect(forward.length).toBe(lpCount(bytes, 0));
    }
    expect(passed).toBeGreaterThan(30);
  });
});

describe('changing', () => {
  it('room for texts is found in the block at once', () => {
    const texts = ['', 'a', '-', '7', '-5', '4095', '12ab', '99999999999', 'x'.repeat(63), 'y'.repeat(64)];
    texts.push('z'.repeat(125), 'z'.repeat(126), 'long'.repeat(1023), 'long'.repeat(1024), 'long'.repeat(9000));
    const bytes = latin1(`..${texts.join('')}`);
    const len = Int32Array.from([0, ...texts.map((text) => text.length)]);
    const off = Int32Array.from(len, (_, i) => 2 + len.subarray(0, i).reduce((sum, n) => sum + n, 0));
    const arena = new Arena();
    for (let to = 1; to <= texts.length + 1; to++) {
      const more = lpBytesOf(bytes, off, len, 1, to);
      const reserved = lpReserve(arena, lpAppend(arena, lpNew(arena), latin1('first'), 0, 5), 14 + more);
      let address = reserved;
      for (let i = 1; i < to; i++) address = lpAppend(arena, address, bytes, off[i]!, len[i]!);
      expect(address).toBe(reserved);
      expect(lpBytes(arena.bytesOf(address), byteIndex(address))).toBe(14 + more);
    }
  });

  for (const seed of [1, 2, 3]) {
    it(`random changes leave what an array holds, in bytes a fresh one has (seed ${seed})`, () => {
      const random = rng(seed);
      const arena = new Arena();
      const other = build(arena, ['neighbour']);
      let address = lpNew(arena);
      let model: string[] = [];
      const below = (n: number) => Math.floor(random() * n);
      const text = () => {
        const r = random();
        if (r < 0.4) return INTEGERS[below(INTEGERS.length)]!;
        if (r < 0.9) return 'abcdefghij'.repeat(10).slice(0, below(70));
        return 'z'.repeat(below(random() < 0.1 ? 20_000 : 300));
      };
      for (let step = 0; step < 3000; step++) {
        const u8 = arena.bytesOf(address);
        const off = byteIndex(address);
        const size = model.length;
        const t = text();
        const bytes = latin1(`..${t}`);
        const grow = Math.sin(step / 300) > 0 ? 0.65 : 0.35;
        if (random() < grow || size === 0) {
          const r = below(3);
          const at = below(size + 1);
          if (r === 0) address = lpAppend(arena, address, bytes, 2, t.length);
          else if (r === 1) address = lpPrepend(arena, address, bytes, 2, t.length);
          else {
            const pos = at === size ? lpBytes(u8, off) - 1 : lpSeek(u8, off, at);
            address = lpInsert(arena, address, pos, bytes, 2, t.length);
            lpGet(arena.bytesOf(address), byteIndex(address), pos, slice);
            expect(slice.toString()).toBe(t);
          }
          model.splice(r === 0 ? size : r === 1 ? 0 : at, 0, t);
        } else if (random() < 0.4) {
          const at = below(size);
          address = lpReplace(arena, address, lpSeek(u8, off, at), bytes, 2, t.length);
          model[at] = t;
        } else if (random() < 0.9) {
          const at = below(size);
          const count = random() < 0.8 ? 1 : below(8);
          const pos = lpSeek(u8, off, at);
          address = lpDelete(arena, address, pos, count);
          model.splice(at, count);
          expect(lpIsEnd(arena.bytesOf(address), byteIndex(address), pos)).toBe(at >= model.length);
        } else {
          const at = below(size);
          const pos = lpSeek(u8, off, at);
          const tail = lpTail(arena, address, pos, size - at);
          address = lpDelete(arena, address, pos, size);
          address = lpMerge(arena, address, tail);
        }
        if (step % 10 === 0) {
          const now = arena.bytesOf(address);
          expect(elements(arena, address)).toEqual(model);
          expect(lpValidate(now, byteIndex(address), lpBytes(now, byteIndex(address)))).toBe(-1);
          expect(lpBytes(now, byteIndex(address))).toBeLessThanOrEqual(arena.capacity(address));
          const probe = model.length > 0 && random() < 0.7 ? model[below(model.length)]! : t;
          const found = lpFind(
            now,
            byteIndex(address),
            lpFirst(now, byteIndex(address)),
            latin1(probe),
            0,
            probe.length,
            0,
          );
          const at = model.indexOf(probe);
          expect(found).toBe(at < 0 ? 0 : lpSeek(now, byteIndex(address), at));
        }
        if (step % 1000 === 0) {
          const fresh = build(arena, model);
          expect(hex(arena, address)).toBe(hex(arena, fresh));
          const copy = lpCopy(arena, address);
          expect(hex(arena, copy)).toBe(hex(arena, fresh));
          const loaded = lpFromBytes(arena, Buffer.from(hex(arena, fresh), 'hex'), 0, hex(arena, fresh).length / 2);
          expect(elements(arena, loaded)).toEqual(model);
          for (const a of [fresh, copy, loaded]) arena.free(a);
          model = elements(arena, address);
        }
      }
      expect(elements(arena, other)).toEqual(['neighbour']);
      arena.free(address);
      arena.free(other);
      expect(arena.bytesUsed).toBe(0);
    });
  }

  it('a block holds little more than its listpack, growing and shrinking', () => {
    const arena = new Arena();
    let address = lpNew(arena);
    const waste = () => arena.capacity(address) - lpBytes(arena.bytesOf(address), byteIndex(address));
    for (let i = 0; i < 3000; i++) {
      address = lpAppend(arena, address, latin1('element'), 0, 7);
      expect(waste()).toBeLessThanOrEqual(Math.max(15, arena.capacity(address) / 8));
    }
    for (let i = 0; i < 2999; i++) {
      address = lpDelete(arena, address, LP_HEADER);
      expect(waste()).toBeLessThanOrEqual(Math.max(64, arena.capacity(address) / 4));
    }
  });

  it('during a capture the captured block is left as it is', () => {
    const arena = new Arena();
    const captured = build(arena, ['a', 'b', 'c']);
    const before = hex(arena, captured);
    arena.beginCapture({ handed: () => 1, acked: () => 0 });
    let address = lpReplace(arena, captured, LP_HEADER, latin1('A'), 0, 1);
    expect(address).not.toBe(captured);
    address = lpDelete(arena, address, LP_HEADER);
    for (let i = 0; i < 100; i++) address = lpAppend(arena, address, latin1('more'), 0, 4);
    expect(hex(arena, captured)).toBe(before);
    arena.endCapture();
    arena.free(address);
    expect(arena.bytesUsed).toBe(0);
  });
});
