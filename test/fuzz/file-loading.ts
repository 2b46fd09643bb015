/** A server that loads files as it does at its start, and what must hold whether it takes them or not. */
import { basename } from 'node:path';
import { Recovery, RecoveryError } from '../../src/persistence/recovery.js';
import { makeHost } from '../../src/server/persistence-host.js';
import { MemoryDisk } from '../support/memory-disk.js';
import type { Random } from '../support/random.js';
import { TestServer, type Wire } from '../support/test-server.js';
import type { Outcome } from './target.js';
import { KEY, ValueCheck } from './value-check.js';

/** Commands that no log holds and that would end the process, or reach out of it. */
export const FORBIDDEN = ['shutdown', 'migrate', 'failover', 'replicaof', 'slaveof'];

const LOGGED_STRING_MAX = 1024 * 1024;

export class FileLoading {
  readonly disk = new MemoryDisk();
  readonly server: TestServer;
  private readonly wire: Wire;
  private readonly check: ValueCheck;

  constructor(config: Readonly<Record<string, string | number | boolean>>, without: readonly string[] = []) {
    this.server = new TestServer({ disk: this.disk, config, without });
    // As much as a command of a log may make, and nobody should wonder about.
    this.server.server.keyspace.limits.loggedStringMax = LOGGED_STRING_MAX;
    // Loading goes by another way here than that of a start.
    this.server.server.persistence.startInMemory();
    this.server.server.persistence.directory.claim();
    this.wire = this.server.connect();
    this.check = new ValueCheck(this.wire);
  }

  /** Loads what is on the disk, uses a key of it, saves and loads it again, and empties the server. */
  load(what: 'dump' | 'aof', r: Random): Outcome {
    const { server, disk } = this;
    let outcome: Outcome = 'accepted';
    try {
      this.recover(what);
    } catch (error) {
      if (!(error instanceof RecoveryError)) throw error;
      this.mustTellWhere(error);
      outcome = 'refused';
    }
    server.throwBug();
    if (outcome === 'accepted') this.use(r);
    if (disk.openFiles > 0) throw new Error(`${disk.openFiles} files are still open`);
    server.flush();
    server.audit();
    disk.clear();
    return outcome;
  }

  private recover(what: 'dump' | 'aof'): void {
    const { server } = this.server;
    const { config, log, persistence, keyspace } = server;
    server.replay.reset();
    server.dispatcher.enterTime();
    keyspace.expiryInForce = false;
    try {
      new Recovery({
        disk: this.disk,
        dir: config.values.dir,
        directory: persistence.directory,
        config: config.values,
        log,
        now: () => this.server.clock.now(),
        progress: persistence.progress,
        target: makeHost(server).target,
      }).runNow(what);
    } finally {
      keyspace.expiryInForce = true;
    }
  }

  /** An error must name a file and, unless it is about the file as a whole, a place in it. */
  private mustTellWhere({ message, file, offset }: RecoveryError): void {
    const stat = this.disk.stat(file);
    if (!message.includes(basename(file))) throw new Error(`the message does not name ${file}: ${message}`);
    if (offset < 0 ? /damaged|expected/.test(message) : offset > (stat?.bytes ?? 0)) {
      throw new Error(`offset ${offset} of ${stat?.bytes} bytes of ${file}: ${message}`);
    }
  }

  private use(r: Random): void {
    const { wire, server } = this;
    if (r.chance(25)) this.reload();
    const full = server.server.keyspace.databases.filter((db) => db.size > 0);
    if (full.length > 0) {
      const [, key] = wire.ask(['SELECT', String(r.pick(full).index)], ['RANDOMKEY']);
      // A key whose time is over may have been the last one.
      if (key!.bytes !== null) {
        wire.ask(['RENAME', key!.bytes, KEY]);
        this.check.run(r);
      }
    }
    wire.ask(['SELECT', '0']);
  }

  /** What was loaded is the same after it was saved and loaded again. */
  private reload(): void {
    const { wire, server } = this;
    const [digest, reloaded, again] = wire.ask(['DEBUG', 'DIGEST'], ['DEBUG', 'RELOAD'], ['DEBUG', 'DIGEST']);
    if (reloaded!.mark !== '+') throw new Error(`DEBUG RELOAD: ${reloaded!.bytes}\n${server.log.join('')}`);
    // Keys whose time is over are in the first digest, but in no dump.
    const { keysExpired } = server.server.persistence.progress;
    if (keysExpired === 0 && !again!.bytes!.equals(digest!.bytes!)) throw new Error('DEBUG RELOAD changes the data');
  }
}
