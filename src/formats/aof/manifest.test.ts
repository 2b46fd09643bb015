import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Manifest, ManifestError } from './manifest.js';

const parse = (text: string) => Manifest.parse(Buffer.from(text), 'm');
const refusal = (text: string): ManifestError => {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof ManifestError) return error;
    throw error;
  }
  throw new Error('was not refused');
};

describe('reading', () => {
  test('what Redis 7 writes', () => {
    const manifest = parse(
      'file appendonly.aof.2.base.rdb seq 2 type b\n' +
        'file appendonly.aof.1.incr.aof seq 1 type h\n' +
        'file appendonly.aof.2.incr.aof seq 2 type i\n' +
        'file appendonly.aof.3.incr.aof seq 3 type i\n',
    );
    expect(manifest.files().map((f) => f.name)).toEqual([
      'appendonly.aof.2.base.rdb',
      'appendonly.aof.2.incr.aof',
      'appendonly.aof.3.incr.aof',
    ]);
    expect(manifest.history.map((f) => f.name)).toEqual(['appendonly.aof.1.incr.aof']);
    expect([manifest.baseSeq, manifest.incrSeq]).toEqual([2, 3]);
  });

  test('comments, unknown pairs of newer servers, quoted names, upper-case keys, spaces around', () => {
    const manifest = parse(
      '# a note\n' +
        'file "my file.1.base.rdb" seq 1 type b note x\n' +
        '  FILE a.1.incr.aof SEQ 1 TYPE i startoffset 0 endoffset 173  \r\n',
    );
    expect(manifest.files()).toEqual([
      { name: 'my file.1.base.rdb', seq: 1, type: 'b' },
      { name: 'a.1.incr.aof', seq: 1, type: 'i' },
    ]);
  });

  test('only comments: nothing to load, no error', () => {
    expect(parse('# nothing\n').empty).toBe(true);
  });

  const base = 'file a.1.base.rdb seq 1 type b\n';
  test.each([
    ['', 0, 'Found an empty AOF manifest'],
    [`${base}\n`, 2, 'Invalid AOF manifest file format'],
    [`${base}   \n`, 2, 'Invalid AOF manifest file format'],
    [`${base}file b seq 2 type\n`, 2, 'Invalid AOF manifest file format'],
    ['file b seq 2\n', 1, 'Invalid AOF manifest file format'],
    ['file "b seq 2 type i\n', 1, 'Invalid AOF manifest file format'],
    ['name b seq 2 type i\n', 1, 'Invalid AOF manifest file format'],
    ['file b seq 0 type i\n', 1, 'Invalid AOF manifest file format'],
    ['file b seq 2 type i', 1, 'The AOF manifest file contains too long line'],
    [`file ${'b'.repeat(1100)} seq 2 type i\n`, 1, 'The AOF manifest file contains too long line'],
    ['file ../b seq 2 type i\n', 1, "File can't be a path, just a filename"],
    [base + base, 2, 'Found duplicate base file information'],
    ['file a seq 2 type i\nfile b seq 2 type i\n', 2, 'Found a non-monotonic sequence number'],
    ['file a seq 2 type x\n', 1, 'Unknown AOF file type'],
  ])('%j is refused, naming line %d: %s', (text, line, reason) => {
    const error = refusal(text);
    expect([error.line, error.reason]).toEqual([line, reason]);
    expect(error.message).toContain(reason);
  });
});

describe('writing', () => {
  test('base, history, incr, then the checksum', () => {
    const manifest = new Manifest();
    manifest.addBase('appendonly.aof', 'rdb');
    manifest.addIncr('appendonly.aof');
    manifest.addIncr('appendonly.aof');
    manifest.addBase('appendonly.aof', 'aof');
    manifest.retireIncrs(1);
    expect(manifest.encode().toString()).toMatch(
      new RegExp(
        `^${[
          'file appendonly.aof.2.base.aof seq 2 type b',
          'file appendonly.aof.1.incr.aof seq 1 type h',
          'file appendonly.aof.1.base.rdb seq 1 type h',
          'file appendonly.aof.2.incr.aof seq 2 type i',
          '#CK:[0-9a-f]{8}\n$',
        ].join('\n')}`,
      ),
    );
  });

  test('a new file gets no number of one that waits to be deleted', () => {
    const lines = ['a.3.base.rdb seq 3 type b', 'a.4.incr.aof seq 4 type h', 'a.7.base.aof seq 7 type h'];
    const manifest = Manifest.parse(Buffer.from(lines.map((line) => `file ${line}\n`).join('')), 'm');
    expect(manifest.addIncr('a').name).toBe('a.5.incr.aof');
    expect(manifest.addBase('a', 'rdb').name).toBe('a.8.base.rdb');
  });

  test('reads back what it wrote, whatever the names', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), fc.nat(5), (name, incrs) => {
        fc.pre(!/[/\\\0]/.test(name));
        const manifest = new Manifest();
        manifest.addBase(name, 'rdb');
        for (let i = 0; i < incrs; i++) manifest.addIncr(name);
        manifest.retireIncrs(Math.min(incrs, 2));
        const copy = Manifest.parse(manifest.encode(), 'm');
        expect({ ...copy }).toEqual({ ...manifest });
      }),
    );
  });

  test('any flipped bit of a written manifest is noticed or harmless', () => {
    const manifest = new Manifest();
    manifest.addBase('a', 'rdb');
    manifest.addIncr('a');
    const bytes = manifest.encode();
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      try {
        // The checksum line itself may be what was hit: then the lines before it are intact.
        expect(Manifest.parse(damaged, 'm').files()).toEqual(manifest.files());
      } catch (error) {
        expect(error).toBeInstanceOf(ManifestError);
      }
    }
  });

  test('a checksum line with lines after it belongs to another writer and is not looked at', () => {
    expect(parse('#CK:00000000\nfile a.1.incr.aof seq 1 type i\n').incr.length).toBe(1);
  });
});
