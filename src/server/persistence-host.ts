/**
 * What persistence needs of the server: writing the keyspace to a file, in the background or at once, and taking what is
 * loaded.
 */

import type { Disk } from '../disk/disk.js';
import { RdbReader } from '../formats/rdb/reader.js';
import type { RdbVersion } from '../formats/rdb/writer.js';
import { KeyspaceLoader, type LoadedExtras } from '../persistence/keyspace-loader.js';
import type { PersistenceHost } from '../persistence/persistence.js';
import type { LoadTarget } from '../persistence/recovery.js';
import { Snapshot, saveNow } from '../persistence/snapshot.js';
import type { SnapshotRequest } from '../persistence/snapshot-file.js';
import type { SnapshotPlan } from '../persistence/snapshot-run.js';
import { applyFunction } from './kept-libraries.js';
import type { Server } from './server.js';

/** For a server without a directory: whatever would touch the disk fails. */
export class NoDirectory extends Error {
  override name = 'NoDirectory';
  readonly code = 'EROFS';
  constructor() {
    super('this server keeps its data in memory only');
  }
}

/** The disk of such a server. */
export const NO_DISK: Disk = new Proxy({} as Disk, {
  get: () => () => {
    throw new NoDirectory();
  },
});

export function makeHost(server: Server): PersistenceHost {
  const { keyspace } = server;
  /** What files hold besides keys, and this server only keeps. */
  const extras: LoadedExtras = { libraries: [], moduleAux: [] };
  const request = (plan: SnapshotPlan) => {
    if (server.inMemory) throw new NoDirectory();
    return snapshotRequest(server, plan, extras);
  };
  return {
    beginSnapshot: (plan) => {
      const snapshot = new Snapshot(keyspace, request(plan));
      server.statistics.snapshots++;
      server.statistics.snapshotStartMicroseconds = Math.round(snapshot.startMs * 1000);
      server.latency.sample('fork', snapshot.startMs);
      return snapshot;
    },
    snapshotNow: (plan) => {
      saveNow(server.disk, keyspace, request(plan));
    },
    target: loadTarget(server, extras),
  };
}

function snapshotRequest(server: Server, plan: SnapshotPlan, extras: LoadedExtras): SnapshotRequest {
  const { values } = server.config;
  const policy = values['maxmemory-policy'];
  const access = policy.endsWith('lfu') ? 'lfu' : policy.endsWith('lru') ? 'lru' : 'none';
  return {
    ...plan,
    rdb: {
      version: fileVersion(server),
      compression: values.rdbcompression,
      checksum: values.rdbchecksum,
      access,
      lruClock: Math.floor(server.clock.now() / 1000) & 0xffffff,
    },
    info: {
      ctimeSeconds: Math.floor(server.clock.now() / 1000),
      usedMemory: server.memory().used,
      aofBase: plan.aofBase,
    },
    libraries: extras.libraries,
    moduleAux: extras.moduleAux,
    incrementalSync: plan.aofBase ? values['aof-rewrite-incremental-fsync'] : values['rdb-save-incremental-fsync'],
  };
}

/**
 * The RDB version to write. Expiring hash fields need version 12: it is written in place of the default 11, for saving must
 * not stop because of what a file brought in. Whoever asks for an older version is told what it cannot express.
 */
function fileVersion(server: Server): RdbVersion {
  const { keyspace, config, log } = server;
  const version = config.values['rdb-version'] as RdbVersion;
  if (version !== 11 || !keyspace.hasFieldExpiry) return version;
  log.notice('Writing RDB version 12 instead of 11: there are hash fields that expire');
  return 12;
}

function loadTarget(server: Server, extras: LoadedExtras): LoadTarget {
  const { keyspace } = server;
  return {
    arena: keyspace.arena,
    clear() {
      server.replay.reset();
      for (const db of keyspace.databases) {
        server.watching.databaseChanges(db, null);
        keyspace.flush(db, false);
      }
      server.tracking.flushed();
      extras.libraries = [];
      extras.moduleAux = [];
    },
    openRdb(source, kind, duplicates, helper) {
      const options = { dropExpired: kind === 'dump', replace: duplicates === 'replace' };
      const loader = new KeyspaceLoader(keyspace, extras, options, helper);
      const reader = new RdbReader(source, keyspace.arena, keyspace.limits, loader, {
        checksum: server.config.values.rdbchecksum,
      });
      return {
        advance(steps) {
          try {
            return reader.advance(steps);
          } catch (error) {
            try {
              loader.end();
            } catch {
              // The first error says more.
            }
            throw error;
          }
        },
        get offset() {
          return reader.offset;
        },
        get keysLoaded() {
          return loader.keysLoaded;
        },
        get keysExpired() {
          return loader.keysExpired;
        },
      };
    },
    beginLog() {
      server.onCommandsNear();
      server.replay.reset();
    },
    apply: (args) => (args.is(0, 'FUNCTION') ? applyFunction(extras, args) : server.replay.apply(args)),
  };
}
