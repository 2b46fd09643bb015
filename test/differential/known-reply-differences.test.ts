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
