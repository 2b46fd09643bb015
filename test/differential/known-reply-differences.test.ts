import { describe, expect, it } from 'vitest';
import { readReply } from '../support/reply.js';
import { replyDifference } from './known-reply-differences.js';

describe('the comparison of XINFO GROUPS', () => {
  const group = (consumers: number, pending: number, read: string): string =>
    `[["name", "g", "consumers", :${consumers}, "pending", :${pending}, "entries-read", ${read}]]`;
  const compare = (a: string, b: string, replayed: boolean): string | null => {
    const command = { args: [Buffer.from('XINFO'), Buffer.from('GROUPS')], mode: { groups: true } };
    return replyDifference(readReply(a), readReply(b), command, { replayed });
  };

  it('is exact until the log has been replayed', () => {
    expect(compare(group(1, 2, ':3'), group(1, 2, ':3'), false)).toBeNull();
    expect(compare(group(1, 2, '$-1'), group(1, 2, ':3'), false)).toBe('entries-read of group 1');
    expect(compare(group(1, 2, '$-1'), group(1, 2, ':3'), true)).toBeNull();
    expect(compare(group(1, 2, ':3'), group(1, 3, ':3'), true)).toBe('pending of group 1');
  });

  it('allows more consumers, not fewer', () => {
    expect(compare(group(1, 2, ':3'), group(2, 2, ':3'), false)).toBeNull();
    expect(compare(group(2, 2, ':3'), group(1, 2, ':3'), false)).toBe('consumers of group 1');
  });
});

describe('the comparison of places', () => {
  const compare = (a: string, b: string, ...words: string[]): string | null => {
    const args = ['GEOSEARCH', 'g', ...words].map((word) => Buffer.from(word));
    return replyDifference(readReply(a), readReply(b), { args, mode: { near: 0.001 } }, { replayed: false });
  };

  it('lets those that are as far come in any order, all of them unless there is a COUNT', () => {
    expect(compare('["a", "b"]', '["b", "a"]', 'ASC')).toBeNull();
    expect(compare('["a", "b"]', '["a", "c"]', 'ASC')).not.toBeNull();
    expect(compare('["a", "b"]', '["a", "c"]', 'COUNT', '2')).toBeNull();
    expect(compare('["a", "b"]', '["a"]', 'COUNT', '2')).not.toBeNull();
  });

  it('compares how far they are where the replies say it', () => {
    expect(
      compare('[["a", "1.0"], ["b", "2.0"]]', '[["a", "1.0"], ["c", "2.0"]]', 'WITHDIST', 'COUNT', '2'),
    ).toBeNull();
    expect(compare('[["a", "1.0"]]', '[["a", "2.0"]]', 'WITHDIST', 'COUNT', '2')).not.toBeNull();
  });
});

describe('the comparison of SORT', () => {
  const compare = (a: string, b: string, ...words: string[]): string | null => {
    const args = ['SORT', 's', ...words].map((word) => Buffer.from(word));
    return replyDifference(readReply(a), readReply(b), { args, mode: {} }, { replayed: false });
  };

  it('does not ask for an order where BY has no pattern', () => {
    expect(compare('["a", "b"]', '["b", "a"]')).not.toBeNull();
    expect(compare('["a", "b"]', '["b", "a"]', 'BY', 'w*')).not.toBeNull();
    expect(compare('["a", "b"]', '["b", "a"]', 'BY', 'nosort')).toBeNull();
    expect(compare('["a", "b"]', '["b", "c"]', 'BY', 'nosort')).not.toBeNull();
    expect(compare('["a"]', '["b"]', 'BY', 'nosort', 'LIMIT', '0', '1')).toBeNull();
    expect(compare('["a"]', '["a", "b"]', 'BY', 'nosort', 'LIMIT', '0', '1')).not.toBeNull();
  });

  it('lets equal texts of ALPHA come in any order, with what GET tells of them', () => {
    expect(compare('["\\x00a", "\\x00b"]', '["\\x00b", "\\x00a"]', 'ALPHA')).toBeNull();
    expect(compare('["a", "b"]', '["b", "a"]', 'ALPHA')).not.toBeNull();
    expect(compare('["1", "2"]', '["2", "1"]', 'ALPHA', 'GET', 'w*')).toBeNull();
    expect(compare('["1", "2"]', '["2", "3"]', 'ALPHA', 'GET', 'w*')).not.toBeNull();
  });
});
