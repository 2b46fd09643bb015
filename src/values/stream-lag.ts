/**
 * How far a group is behind: counters of entries read, worked out as Redis does. A counter is exact as long as no entry
 * between the group's last ID and the stream's end has been deleted; otherwise it may be unknown.
 */
import type { Stream } from './stream.js';
import { READ_UNKNOWN, type StreamGroup } from './stream-group.js';
import { StreamId } from './stream-id.js';

const FIRST = new StreamId();
const MAX_DELETED = new StreamId();
const LAST = new StreamId();

/** Whether XDEL may have taken an entry from `from` on. */
export function hasTombstones(stream: Stream, from: StreamId): boolean {
  const deleted = stream.maxDeletedId(MAX_DELETED);
  if (stream.length === 0 || deleted.isZero) return false;
  return stream.firstId(FIRST).compare(deleted) <= 0 && from.compare(deleted) <= 0;
}

/** How many entries were ever added up to `id`; READ_UNKNOWN when that cannot be told. */
export function entriesUpTo(stream: Stream, id: StreamId): bigint {
  const added = stream.entriesAdded;
  if (added === 0n) return 0n;
  const last = id.compare(stream.lastId(LAST));
  if (last === 0 || (last < 0 && stream.length === 0)) return added;
  if (last > 0) return READ_UNKNOWN;
  const first = stream.firstId(FIRST);
  const deleted = stream.maxDeletedId(MAX_DELETED);
  if (!deleted.isZero && deleted.compare(first) >= 0) return READ_UNKNOWN;
  const before = added - BigInt(stream.length);
  const order = id.compare(first);
  if (order < 0) return before;
  return order === 0 ? before + 1n : READ_UNKNOWN;
}

/** How many entries the group has not read yet; null when that cannot be told. */
export function groupLag(stream: Stream, group: StreamGroup): bigint | null {
  const added = stream.entriesAdded;
  if (added === 0n) return 0n;
  const at = group.lastId(GROUP_LAST);
  if (group.readsAreKnown && !hasTombstones(stream, at)) return added - group.entriesRead;
  const read = entriesUpTo(stream, at);
  return read === READ_UNKNOWN ? null : added - read;
}

const GROUP_LAST = new StreamId();
