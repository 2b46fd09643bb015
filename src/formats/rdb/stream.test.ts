import { describe, expect, it } from 'vitest';
import { listpack, STREAM_NODE, type StreamPieces, streamId, streamPayload } from '../../../test/support/rdb-bytes.js';
import { type DescribedStream, describeStream, RdbStore } from '../../../test/support/rdb-store.js';
import { CorruptionError } from '../../base/errors.js';

const first = streamId(1, 0);

function refused(pieces: StreamPieces): string {
  try {
    describeStream(21, streamPayload(pieces));
  } catch (error) {
    expect(error).toBeInstanceOf(CorruptionError);
    return (error as CorruptionError).expected;
  }
  return 'nothing';
}

describe('a stream of a file', () => {
  it('reports entries that are not deleted, groups, pending entries and consumers', () => {
    expect(describeStream(21, streamPayload({}))).toEqual({
      entries: [
        ['1-0', ['f', 'v1']],
        ['2-1', ['a', 'x', 'b', '-7']],
      ],
      length: 2,
      lastId: '2-1',
      firstId: '1-0',
      maxDeletedId: '2-0',
      entriesAdded: 3n,
      groups: [
        {
          name: 'group',
          lastId: '1-0',
          entriesRead: 1n,
          pending: [['1-0', 'alice', 1]],
          consumers: [
            { name: 'alice', seenTimeMs: 1000, activeTimeMs: 1001 },
            { name: 'bob', seenTimeMs: 1000, activeTimeMs: -1 },
          ],
        },
      ],
    });
  });

  it('IDs use all of their 64 bits, and differences may be negative', () => {
    const big = Buffer.alloc(16, 0xff);
    big[7] = 0xfe;
    const node = listpack(2, 0, 1, 'f', 0, 2, 0, 0, 'v', 4, 2, 1, -5, 'v', 4);
    const stream = describeStream(21, streamPayload({ nodes: [[big, node]], groups: [] }));
    expect(stream.entries.map(([id]) => id)).toEqual([
      '18446744073709551614-18446744073709551615',
      '18446744073709551615-18446744073709551610',
    ]);
  });

  it('its length is what its nodes hold, whatever the file says', () => {
    expect(describeStream(21, streamPayload({ length: 9 })).length).toBe(2);
  });

  it('a stream without entries keeps its groups', () => {
    const stream = describeStream(21, streamPayload({ nodes: [], length: 0, pending: [], consumers: [['c', []]] }));
    expect(stream.groups.map(({ name }) => name)).toEqual(['group']);
  });

  it.each<[string, StreamPieces, string]>([
    ['entries without nodes', { nodes: [] }, 'nodes that hold the entries'],
    [
      'an ID of another length',
      { nodes: [[first.subarray(1), STREAM_NODE]] },
      'an ID of 16 bytes before a stream node',
    ],
    [
      'the same node twice',
      {
        nodes: [
          [first, STREAM_NODE],
          [first, STREAM_NODE],
        ],
      },
      'stream nodes in ascending order',
    ],
    ['a listpack that is none', { nodes: [[first, STREAM_NODE.subarray(1)]] }, 'a listpack'],
    ['a node without a head', { nodes: [[first, listpack()]] }, 'a stream node'],
    [
      'fewer entries than the head counts',
      { nodes: [[first, listpack(3, 0, 1, 'f', 0, 2, 0, 0, 'v', 4)]] },
      'a stream node',
    ],
    [
      'more entries than the head counts',
      { nodes: [[first, listpack(0, 0, 1, 'f', 0, 2, 0, 0, 'v', 4)]] },
      'a stream node',
    ],
    ['a wrong number of elements', { nodes: [[first, listpack(1, 0, 1, 'f', 0, 2, 0, 0, 'v', 5)]] }, 'a stream node'],
    ['an ID that is no number', { nodes: [[first, listpack(1, 0, 1, 'f', 0, 2, 'x', 0, 'v', 4)]] }, 'a stream node'],
    ['a negative count of fields', { nodes: [[first, listpack(1, 0, -1, 0, 2, 0, 0, 3)]] }, 'a stream node'],
    [
      'a deleted entry that is not counted',
      { nodes: [[first, listpack(1, 0, 1, 'f', 0, 3, 0, 0, 'v', 4)]] },
      'a stream node',
    ],
    [
      'entries out of order',
      { nodes: [[first, listpack(2, 0, 1, 'f', 0, 2, 0, 7, 'v', 4, 2, 0, 3, 'v', 4)]] },
      'entries in ascending order',
    ],
    [
      "an entry before its node's ID",
      { nodes: [[streamId(5, 0), listpack(1, 0, 1, 'f', 0, 2, -1, 0, 'v', 4)]] },
      'entries in ascending order',
    ],
    [
      'an entry behind the next node',
      {
        nodes: [
          [first, listpack(1, 0, 1, 'f', 0, 2, 9, 0, 'v', 4)],
          [streamId(5, 0), listpack(1, 0, 1, 'f', 0, 2, 0, 0, 'v', 4)],
        ],
      },
      'entries in ascending order',
    ],
    ['a group twice', { groups: ['g', 'g'] }, 'a name that no other group of the stream has'],
    [
      'a consumer twice',
      {
        consumers: [
          ['c', [first]],
          ['c', []],
        ],
      },
      'a name that no other consumer of the group has',
    ],
    ['pending entries out of order', { pending: [streamId(2, 0), first] }, 'pending entries in ascending order'],
    ['a pending entry twice', { pending: [first, first] }, 'pending entries in ascending order'],
    [
      'a pending entry without a consumer',
      { consumers: [['c', []]] },
      'a consumer for each pending entry of the group',
    ],
    [
      'a pending entry that the group does not have',
      { consumers: [['c', [streamId(9, 9)]]] },
      "an entry that is pending in the consumer's group",
    ],
    [
      'a pending entry of two consumers',
      {
        consumers: [
          ['c', [first]],
          ['d', [first]],
        ],
      },
      'an entry that is pending for one consumer',
    ],
  ])('%s is refused', (_what, pieces, expected) => {
    expect(refused(pieces)).toBe(expected);
  });

  it('is written as an older type without what that lacks, which is worked out when it is read', () => {
    const store = new RdbStore();
    store.putBlob(0, 's', 21, streamPayload({}));
    const written = (version: 9 | 10 | 11): DescribedStream => {
      const again = new RdbStore();
      again.load(store.save({ version }));
      return again.describe()[0]!.value as DescribedStream;
    };
    const whole = describeStream(21, streamPayload({}));
    expect(written(11)).toEqual(whole);
    const second = {
      ...whole,
      groups: whole.groups.map((group) => ({
        ...group,
        consumers: group.consumers.map((consumer) => ({ ...consumer, activeTimeMs: consumer.seenTimeMs })),
      })),
    };
    expect(written(10)).toEqual(second);
    expect(written(9)).toEqual({ ...second, maxDeletedId: '0-0', entriesAdded: 2n });
  });

  it('whose last ID is smaller than an entry has that entry as its last', () => {
    const node = listpack(2, 0, 1, 'f', 0, 2, 0, 0, 'v', 4, 2, 8, 0, 'v', 4);
    expect(describeStream(21, streamPayload({ nodes: [[first, node]] })).lastId).toBe('9-0');
  });
});
