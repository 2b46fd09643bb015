/** Append-only files with their manifest, damaged, are loaded as a server does at its start. */
import { crc32 } from '../../src/base/crc32.js';
import { LogEncoder } from '../../src/formats/aof/log-encoder.js';
import { Manifest } from '../../src/formats/aof/manifest.js';
import type { EffectSink } from '../../src/server/effects.js';
import { Server } from '../../src/server/server.js';
import { Draw } from '../differential/draw.js';
import { randomCommand } from '../differential/generator.js';
import { EDGE_VALUES } from '../differential/random-arguments.js';
import { encodeCommand } from '../support/client.js';
import { drawFiles } from '../support/corpus.js';
import { Random } from '../support/random.js';
import { TestServer } from '../support/test-server.js';
import { FileLoading, FORBIDDEN } from './file-loading.js';
import { applyEdits, drawEdits, type Edit } from './mutate.js';
import type { Input, Outcome, Target } from './target.js';

const FOLDER = '/appendonlydir';
const MANIFEST = 'appendonly.aof.manifest';
const SETS = 60;

/** Files by their names, in one order. */
type FileSet = readonly { name: string; bytes: Buffer }[];

/** An edit of one of the files. */
export interface FileEdit extends Edit {
  file: number;
}

/** What is done with the sums of a file that was edited. */
const SUMS = ['left', 'made good', 'not verified'] as const;
const TRUNCATED = ['yes', 'no'] as const;

export class AofTarget implements Target<FileEdit> {
  readonly name = 'aof';
  readonly pieceBytes = 2 * 1024 * 1024;
  private sets: FileSet[] = [];
  private readonly names = Server.commandNames().filter((name) => !FORBIDDEN.includes(name) && name !== 'debug');
  private readonly servers = new Map<string, FileLoading>();

  begin(seed: number): void {
    const r = new Random(seed);
    const bases = drawFiles(r, 20).filter((file) => file.length < 3000);
    const maker = new LogMaker(r);
    this.sets = Array.from({ length: SETS }, () => drawSet(r, bases, maker));
    this.renew();
  }

  renew(): void {
    this.servers.clear();
  }

  draw(r: Random): Input<FileEdit> {
    const set = r.below(this.sets.length);
    const files = this.sets[set]!;
    const at = r.chance(20) ? 0 : r.below(files.length);
    if (r.chance(40)) return this.drawFramed(r, set);
    const parts = drawEdits(r, files[at]!.bytes.length).map((edit) => ({ ...edit, file: at }));
    if (r.chance(10)) {
      const other = r.below(files.length);
      parts.push(...drawEdits(r, files[other]!.bytes.length).map((edit) => ({ ...edit, file: other })));
    }
    // A log that ends early, wherever.
    if (r.chance(15))
      parts.push({ file: files.length - 1, at: r.below(4000), remove: 1 << 30, insert: new Uint8Array(0) });
    return { base: Buffer.from([set]), parts, choice: r.below(SUMS.length * TRUNCATED.length) };
  }

  /** Edits that leave the log's form whole: other commands and arguments than were written. */
  private drawFramed(r: Random, set: number): Input<FileEdit> {
    const files = this.sets[set]!;
    const logs = files.flatMap(({ name }, at) => (name.endsWith('.aof') ? [at] : []));
    const file = r.pick(logs);
    const { bytes } = files[file]!;
    const commands = framesOf(bytes);
    const edits: Edit[] = [];
    for (let left = 1 + r.below(6); left > 0 && commands.length > 0; left--) {
      edits.push(drawFramedEdit(r, bytes, commands, this.names));
    }
    // From the end, so that the places before stay what they are.
    edits.sort((a, b) => b.at - a.at);
    const sums = r.chance(5) ? 0 : 1 + r.below(2);
    return { base: Buffer.from([set]), parts: edits.map((edit) => ({ ...edit, file })), choice: sums + 3 * r.below(2) };
  }

  private files({ base, parts, choice }: Input<FileEdit>): FileSet {
    const good = SUMS[choice % SUMS.length] === 'made good';
    return this.sets[base[0]!]!.map(({ name, bytes }, at) => {
      const edits = parts.filter(({ file }) => file === at);
      if (edits.length === 0) return { name, bytes };
      const edited = applyEdits(bytes, edits);
      return { name, bytes: good ? withGoodSums(name, edited) : edited };
    });
  }

  bytes(input: Input<FileEdit>): Uint8Array {
    return Buffer.concat(this.files(input).map(({ bytes }) => bytes));
  }

  run(input: Input<FileEdit>): Outcome {
    const sums = SUMS[input.choice % SUMS.length];
    const truncated = TRUNCATED[Math.floor(input.choice / SUMS.length)]!;
    return this.runFiles(this.files(input), truncated, sums === 'not verified' ? 'no' : 'yes');
  }

  runFiles(files: FileSet, truncated: 'yes' | 'no', verify: 'yes' | 'no'): Outcome {
    const key = `${truncated} ${verify}`;
    let loading = this.servers.get(key);
    if (loading === undefined) {
      const config = {
        appendonly: 'yes',
        databases: 256,
        'aof-load-truncated': truncated,
        'aof-checksum': verify,
        'proto-max-bulk-len': 1048576,
      };
      loading = new FileLoading({ ...config, rdbchecksum: verify }, FORBIDDEN);
      this.servers.set(key, loading);
    }
    for (const { name, bytes } of files)
      loading.disk.put(name === 'appendonly.aof' ? `/${name}` : `${FOLDER}/${name}`, bytes);
    return loading.load('aof', new Random(files.length));
  }

  show(input: Input<FileEdit>): string {
    const lines = this.files(input).map(({ name, bytes }) => `${name}: <hex ${bytes.toString('hex')}>`);
    return [
      `sums ${SUMS[input.choice % SUMS.length]}, aof-load-truncated ${TRUNCATED[Math.floor(input.choice / SUMS.length)]}`,
      ...lines,
    ].join('\n');
  }
}

/** Where a command and its arguments stand in a log. An argument's place is that of its `$`. */
interface Frame {
  at: number;
  end: number;
  args: { at: number; end: number }[];
}

/** The commands of a sound log. */
function framesOf(log: Buffer): Frame[] {
  const frames: Frame[] = [];
  let at = log.subarray(0, 5).toString('latin1') === 'REDIS' ? log.indexOf('*2\r\n$6\r\nSELECT') : 0;
  if (at < 0) return frames;
  const number = (from: number): [number, number] => {
    const end = log.indexOf('\r\n', from);
    return [Number(log.toString('latin1', from, end)), end + 2];
  };
  while (at < log.length) {
    if (log[at] === 35) {
      at = log.indexOf('\r\n', at) + 2;
      continue;
    }
    const frame: Frame = { at, end: 0, args: [] };
    let [count, next] = number(at + 1);
    for (; count > 0; count--) {
      const [bytes, from] = number(next + 1);
      frame.args.push({ at: next, end: from + bytes + 2 });
      next = from + bytes + 2;
    }
    frame.end = next;
    frames.push(frame);
    at = next;
  }
  return frames;
}

function drawFramedEdit(r: Random, log: Buffer, frames: readonly Frame[], names: readonly string[]): Edit {
  const frame = r.pick(frames);
  const kind = r.below(100);
  if (kind < 15) {
    const other = r.pick(frames);
    return { at: frame.at, remove: 0, insert: log.subarray(other.at, other.end) };
  }
  if (kind < 22) return { at: frame.at, remove: frame.end - frame.at, insert: new Uint8Array(0) };
  if (kind < 27) return { at: frame.at, remove: 0, insert: encodeCommand([r.pick(['MULTI', 'EXEC', r.pick(names)])]) };
  const which = kind < 45 ? 0 : r.below(frame.args.length);
  const arg = frame.args[which]!;
  const value =
    which === 0 ? r.pick(names) : r.chance(50) ? r.pick(EDGE_VALUES) : `${r.pick([...'slhtzx'])}:${r.below(4)}`;
  return { at: arg.at, remove: arg.end - arg.at, insert: bulk(value) };
}

function bulk(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  return Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')]);
}

/** The manifest's sum and those of a log's lines fit what was edited. */
function withGoodSums(name: string, bytes: Buffer): Buffer {
  if (name === MANIFEST) {
    const at = bytes.lastIndexOf('#CK:');
    if (at < 0) return bytes;
    const sum = crc32(bytes.subarray(0, at)).toString(16).padStart(8, '0');
    return Buffer.concat([bytes.subarray(0, at), Buffer.from(`#CK:${sum}\n`)]);
  }
  if (!name.endsWith('.aof')) return bytes;
  const parts: Buffer[] = [];
  let from = 0;
  for (let at = bytes.indexOf('#CK:'); at >= 0; at = bytes.indexOf('#CK:', from)) {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) break;
    const body = bytes.subarray(from, at);
    parts.push(body, Buffer.from(`#CK:${body.length}:${crc32(body).toString(16).padStart(8, '0')}\r\n`));
    from = end + 2;
  }
  return Buffer.concat([...parts, bytes.subarray(from)]);
}

// --- sound ones --------------------------------------------------------------------------------------------------------

/** Makes sound logs: of what random commands did. */
class LogMaker {
  private readonly server = new TestServer({ without: FORBIDDEN });
  private encoder = new LogEncoder();
  private stamps = false;

  constructor(private readonly r: Random) {
    const maker = this;
    const sink: EffectSink = {
      enabled: true,
      append(db, args) {
        const { encoder } = maker;
        encoder.effect(db, args, maker.stamps ? 1_700_000_000 + encoder.pos : 0);
      },
      endUnit: () => maker.encoder.endUnit(),
      writeTurn() {
        if (r.chance(30)) maker.encoder.checksum();
      },
      whenDurable: (done) => done(true),
      failure: null,
      position: 0,
      synced: 0,
      turnSyncMs: 0,
    };
    this.server.server.sink = sink;
  }

  draw(): Buffer {
    const { r, server } = this;
    this.encoder = new LogEncoder();
    this.stamps = r.chance(30);
    const wire = server.connect();
    const draw = new Draw(r.next());
    for (let left = 5 + r.below(60); left > 0; left--) wire.send(encodeCommand(randomCommand(draw).args));
    wire.send(encodeCommand(['EXEC']));
    server.disconnectAll();
    server.flush();
    const { encoder } = this;
    if (r.chance(50)) encoder.checksum();
    return Buffer.from(encoder.buf.subarray(0, encoder.pos));
  }
}

function drawSet(r: Random, bases: readonly Buffer[], maker: LogMaker): FileSet {
  // A file from before version 7, which is taken over.
  if (r.chance(10)) {
    const bytes = Buffer.concat([r.chance(50) ? r.pick(bases) : Buffer.alloc(0), maker.draw()]);
    return [{ name: 'appendonly.aof', bytes }];
  }
  const manifest = new Manifest();
  const files: { name: string; bytes: Buffer }[] = [];
  if (r.chance(80)) {
    const rdb = r.chance(70);
    const { name } = manifest.addBase('appendonly.aof', rdb ? 'rdb' : 'aof');
    files.push({ name, bytes: rdb ? r.pick(bases) : maker.draw() });
  }
  for (let i = r.below(3); i >= 0; i--)
    files.push({ name: manifest.addIncr('appendonly.aof').name, bytes: maker.draw() });
  return [{ name: MANIFEST, bytes: manifest.encode() }, ...files];
}
