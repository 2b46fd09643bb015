/**
 * Random content for property tests of the keyspace: every change a command could make, and a readable picture of
 * everything that is in it.
 */
import { Slice } from '../../src/base/slice.js';
import type { Database, Keyspace } from '../../src/keyspace/keyspace.js';
import type { Arena } from '../../src/memory/arena.js';
import {
  Encoding,
  hasRoot,
  itemKeyBytes,
  itemKeyIndex,
  itemMeta,
  itemRoot,
  itemSlot,
  itemType,
  itemValueBytes,
  itemValueIndex,
} from '../../src/memory/item.js';
import { Hash } from '../../src/values/hash.js';
import { List } from '../../src/values/list.js';
import { SetValue } from '../../src/values/set.js';
import { ID_MIN, Stream, type Trim } from '../../src/values/stream.js';
import { newGroup, StreamGroup } from '../../src/values/stream-group.js';
import { StreamId } from '../../src/values/stream-id.js';
import type { Value } from '../../src/values/value.js';
import { ZSet } from '../../src/values/zset.js';
import { streamOf } from './rdb-store.js';

/** A small deterministic generator of [0, 1). */
export function rng(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 32;
  };
}

/** The entry's key as text. */
export function keyText(arena: Arena, entry: number): string {
  const at = itemKeyIndex(arena, entry);
  return Buffer.from(arena.bytesOf(entry).slice(at, at + itemKeyBytes(arena, entry))).toString();
}

/** Type, expiry and value of an entry, sets and hashes sorted. */
export function describeEntry(arena: Arena, entry: number, keyspace: Keyspace): string {
  const type = itemType(arena, entry);
  const expiry = itemSlot(arena, entry);
  if (!hasRoot(itemMeta(arena, entry))) {
    const at = itemValueIndex(arena, entry);
    const value = Buffer.from(arena.bytesOf(entry).slice(at, at + itemValueBytes(arena, entry)));
    return `${type} ${expiry} ${value.toString('latin1')}`;
  }
  const encoding = ((itemMeta(arena, entry) >>> 3) & 7) as Encoding;
  const a = new Slice();
  const b = new Slice();
  const out: string[] = [];
  const { limits } = keyspace;
  if (type === 1) {
    const list = new List(arena, limits).open(encoding, itemRoot(arena, entry));
    for (list.start(0, true); list.next(a); ) out.push(a.toString());
  } else if (type === 4) {
    const hash = new Hash(arena, limits).open(encoding, itemRoot(arena, entry));
    for (hash.start(); hash.next(a, b); ) out.push(`${a}=${b}@${hash.expire}`);
    out.sort();
  } else if (type === 2) {
    const set = new SetValue(arena, limits).open(encoding, itemRoot(arena, entry));
    for (let ok = set.first(a); ok; ok = set.next(a)) out.push(a.toString());
    out.sort();
  } else if (type === 5) {
    const stream = streamOf(new Stream(arena, limits).open(encoding, itemRoot(arena, entry)));
    out.push(JSON.stringify(stream, (_, value) => (typeof value === 'bigint' ? `${value}n` : value)));
  } else {
    const zset = new ZSet(arena, limits).open(encoding, itemRoot(arena, entry));
    for (let ok = zset.seekRank(0, a); ok; ok = zset.next(a)) out.push(a.toString());
  }
  return `${type} ${expiry} ${out.join(' ')}`;
}

/** `db/key` to what describeEntry says, for all entries. */
export function contents(keyspace: Keyspace): Map<string, string> {
  const out = new Map<string, string>();
  for (const db of keyspace.databases) {
    const entries: number[] = [];
    db.forEach((entry) => {
      entries.push(entry);
    });
    for (const entry of entries) {
      out.set(`${db.index}/${keyText(keyspace.arena, entry)}`, describeEntry(keyspace.arena, entry, keyspace));
    }
  }
  return out;
}

/** One random change of the keyspace. Keys are few, so that most changes meet what is there. */
export function mutate(keyspace: Keyspace, random: () => number): void {
  const db = keyspace.databases[Math.floor(random() * 3)]!;
  const key = Buffer.from(`key:${Math.floor(random() * 2000)}`);
  const member = Buffer.from(`m${Math.floor(random() * 3000)}`);
  const entry = db.lookupWrite(key, 0, key.length);
  const pick = random();
  if (pick < 0.25) {
    const value = Buffer.alloc(Math.floor(random() * 80), 97 + Math.floor(random() * 26));
    db.setString(
      key,
      0,
      key.length,
      value,
      0,
      value.length,
      Encoding.RAW,
      random() < 0.3 ? 1e12 + Math.floor(random() * 1e6) : Number.NaN,
    );
  } else if (pick < 0.35) {
    if (entry !== 0) db.deleteEntry(entry);
  } else if (pick < 0.4) {
    if (entry !== 0) db.setExpire(entry, random() < 0.5 ? Number.NaN : 1e12 + Math.floor(random() * 1e6));
  } else if (pick < 0.45) {
    const target = keyspace.databases[Math.floor(random() * 3)]!;
    const to = Buffer.from(`key:${Math.floor(random() * 2000)}`);
    if (entry !== 0 && !(target === db && to.equals(key))) {
      target.delete(to, 0, to.length);
      if (random() < 0.5) db.moveEntry(entry, target, to, 0, to.length);
      else db.copyEntry(entry, target, to, 0, to.length);
    }
  } else if (pick < 0.4502) {
    keyspace.flush(db, random() < 0.5);
  } else if (pick < 0.4504) {
    keyspace.swap(db, keyspace.databases[Math.floor(random() * 3)]!);
  } else if (pick < 0.46) {
    // Fields whose time is over go, as active expiry takes them: from hashes that no command has looked up.
    if (random() < 0.1) keyspace.setNow(keyspace.now + 100);
    for (let i = 0; i < 20; i++) {
      const other = Buffer.from(`key:${Math.floor(random() * 2000)}`);
      const found = db.find(other, 0, other.length);
      if (found !== 0 && itemType(keyspace.arena, found) === 4) keyspace.fieldExpiry.sweep(db, found, 50);
    }
  } else if (pick < 0.5) {
    if (entry !== 0 && itemType(keyspace.arena, entry) === 0) db.resizeString(entry, Math.floor(random() * 200));
  } else {
    changeCollection(keyspace, db, entry, key, member, random);
  }
}

function changeCollection(
  keyspace: Keyspace,
  db: Database,
  entry: number,
  key: Buffer,
  member: Buffer,
  random: () => number,
): void {
  let type = entry === 0 ? 1 + Math.floor(random() * 5) : itemType(keyspace.arena, entry);
  if (type === 0) {
    db.deleteEntry(entry);
    entry = 0;
    type = 1 + Math.floor(random() * 5);
  }
  const n = random() < 0.02 ? 700 : 1;
  let value: Value;
  if (type === 1) {
    const list = entry === 0 ? keyspace.createList() : keyspace.openList(entry);
    for (let i = 0; i < n; i++) {
      if (random() < 0.7) list.push(random() < 0.5, member, 0, member.length);
      else if (list.length > 0) list.set(Math.floor(random() * list.length), member, 0, member.length);
    }
    if (random() < 0.2 && list.length > 0) list.dropEnd(random() < 0.5);
    value = list;
  } else if (type === 4) {
    const hash = entry === 0 ? keyspace.createHash() : keyspace.openHash(entry);
    for (let i = 0; i < n; i++) {
      const field = Buffer.from(`f${Math.floor(random() * 3000)}`);
      const what = random();
      const at = keyspace.now + Math.floor(random() * 1000);
      if (what < 0.6) hash.set(field, 0, field.length, member, 0, member.length);
      else if (what < 0.75) hash.setWithExpire(field, 0, field.length, member, 0, member.length, at);
      else if (what < 0.8) hash.setFieldExpire(field, 0, field.length, random() < 0.5 ? at : Number.NaN);
      else hash.delete(field, 0, field.length);
    }
    value = hash;
  } else if (type === 2) {
    const set = entry === 0 ? keyspace.createSet() : keyspace.openSet(entry);
    for (let i = 0; i < n; i++) {
      const m = Buffer.from(`${random() < 0.5 ? '' : 's'}${Math.floor(random() * 3000)}`);
      if (random() < 0.8) set.add(m, 0, m.length);
      else set.remove(m, 0, m.length);
    }
    value = set;
  } else if (type === 5) {
    const stream = entry === 0 ? keyspace.createStream() : keyspace.openStream(entry);
    for (let i = 0; i < Math.min(n, 60); i++) changeStream(stream, member, random);
    value = stream;
  } else {
    const zset = entry === 0 ? keyspace.createZset() : keyspace.openZset(entry);
    for (let i = 0; i < n; i++) {
      const m = Buffer.from(`z${Math.floor(random() * 3000)}`);
      if (random() < 0.8) zset.put(Math.floor(random() * 100), m, 0, m.length);
      else zset.remove(m, 0, m.length);
    }
    value = zset;
  }
  if (entry === 0) {
    if (!value.isEmpty) db.addValue(key, 0, key.length, type as 1, value.encoding, value.root, Number.NaN);
    else value.release();
  } else if (value.isEmpty) {
    db.storeValue(entry, value);
    db.deleteEntry(entry);
  } else {
    db.storeValue(entry, value);
  }
}

/** One random change of a stream, its groups and their pending entries. */
export function changeStream(stream: Stream, member: Buffer, random: () => number): void {
  const { arena } = stream;
  const pick = random();
  const id = new StreamId();
  if (pick < 0.5) {
    stream.lastId(id);
    if (random() < 0.3) id.setMs(id.msLo + 1 + Math.floor(random() * 3));
    else id.increment();
    const pairs = 1 + Math.floor(random() * 2);
    const texts = [Buffer.from('f'), member, Buffer.from(`g${Math.floor(random() * 3)}`), member].slice(0, 2 * pairs);
    const buf = Buffer.concat(texts);
    const len = texts.map((text) => text.length);
    stream.append(id, { buf, off: len.map((_, i) => len.slice(0, i).reduce((x, y) => x + y, 0)), len, from: 0, pairs });
    return;
  }
  if (pick < 0.6) {
    if (stream.edge(random() < 0.5, id) && stream.remove(id)) stream.settleFirst();
    return;
  }
  if (pick < 0.65) {
    const by = random() < 0.7 ? 'maxlen' : 'minid';
    const maxlen = Math.max(0, Math.floor(random() * 60) - 3);
    const trim: Trim = { by, maxlen, minid: stream.firstId(id), approximate: random() < 0.3, limit: 0 };
    trim.minid.msLo += Math.floor(random() * 3);
    if (!stream.trimsAll(trim)) stream.trim(trim);
    else for (const block of stream.takeEntries()) arena.free(block);
    return;
  }
  const name = Buffer.from(`group:${Math.floor(random() * 3)}`);
  let address = stream.findGroup(name, 0, name.length);
  if (address === 0) {
    address = newGroup(arena, name, 0, name.length, ID_MIN, -1n);
    stream.insertGroup(address);
  } else if (random() < 0.03) {
    for (const block of stream.removeGroup(address)) arena.free(block);
    return;
  }
  changeGroup(stream, new StreamGroup(arena).open(stream, address), random);
}

function changeGroup(stream: Stream, group: StreamGroup, random: () => number): void {
  const id = new StreamId();
  const name = Buffer.from(`consumer ${Math.floor(random() * 4)}`);
  let consumer = group.findConsumer(name, 0, name.length);
  if (consumer < 0) consumer = group.createConsumer(name, 0, name.length, 1e11 + Math.floor(random() * 1000));
  const pick = random();
  if (pick < 0.05) {
    group.deleteConsumer(consumer);
    return;
  }
  if (pick < 0.2) group.setActiveMs(consumer, 1e11 + Math.floor(random() * 1000));
  if (pick < 0.3) group.entriesRead = BigInt(Math.floor(random() * 5)) - 1n;
  if (pick < 0.4) group.setLastId(stream.lastId(id));
  id.setMs(1 + Math.floor(random() * 100));
  const item = group.find(id);
  if (item === 0) group.add(id, consumer, 1e11 + Math.floor(random() * 1000), 1n);
  else if (random() < 0.3) group.remove(item);
  else group.update(item, consumer, 1e11, group.deliveries(item) + 1n);
}
