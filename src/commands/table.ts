/**
 * The commands of one server: the rows of all families, made ready for dispatch, with what each one counts. Names are
 * looked up in the bytes of a request without making a string.
 *
 *   slots      [hash of the folded name] -> command, open addressing
 */
import { assert } from '../base/assert.js';
import { Histogram } from '../base/histogram.js';
import type { Args } from '../formats/resp/args.js';
import { categoryBits } from './access/categories.js';
import { KeyAccess } from './access/key-access.js';
import type { CommandFlag, CommandSpec, Handler } from './spec.js';

/** Bits of `Command.flags`, in the order in which COMMAND INFO lists them. */
export const FLAG_NAMES: readonly CommandFlag[] = [
  'write',
  'readonly',
  'denyoom',
  'admin',
  'pubsub',
  'noscript',
  'blocking',
  'loading',
  'stale',
  'skip_monitor',
  'skip_slowlog',
  'asking',
  'fast',
  'no_auth',
  'may_replicate',
  'no_mandatory_keys',
  'no_async_loading',
  'no_multi',
  'movablekeys',
  'allow_busy',
];

export const Flag = {
  WRITE: 1 << 0,
  READONLY: 1 << 1,
  DENYOOM: 1 << 2,
  ADMIN: 1 << 3,
  PUBSUB: 1 << 4,
  NOSCRIPT: 1 << 5,
  BLOCKING: 1 << 6,
  LOADING: 1 << 7,
  STALE: 1 << 8,
  SKIP_MONITOR: 1 << 9,
  SKIP_SLOWLOG: 1 << 10,
  ASKING: 1 << 11,
  FAST: 1 << 12,
  NO_AUTH: 1 << 13,
  MAY_REPLICATE: 1 << 14,
  NO_MANDATORY_KEYS: 1 << 15,
  NO_ASYNC_LOADING: 1 << 16,
  NO_MULTI: 1 << 17,
  MOVABLE_KEYS: 1 << 18,
  ALLOW_BUSY: 1 << 19,
} as const;

const NAMED_IN_RULES: ReadonlySet<string> = new Set([
  ...['debug', 'module|load', 'module|loadex', 'module|unload'],
  ...['exec', 'client|reply'],
]);

export class Command {
  /** `get`, or `config|get`. */
  readonly fullName: string;
  /** As `fullName`, whatever rename-command says: what rules go by. */
  readonly rule: string;
  /** Its number in the bitmaps of ACL users; those of a table are 0, 1, 2... */
  id = 0;
  readonly flags: number;
  /** ACL categories, see access/categories.ts. */
  readonly categories: number;
  /** Its keys as ACL rules see them. */
  readonly keyAccess: KeyAccess;
  readonly arity: number;
  readonly handler: Handler | null;
  readonly subcommands: CommandIndex | null;
  /** No rule of dispatch is about it by name. */
  readonly isPlain: boolean;
  /** Is refused while nothing can be written: writes, and whoever pings is to hear of it. */
  readonly needsDisk: boolean;
  /** Takes about as long as reading the clock does. */
  readonly isQuick: boolean;

  // What INFO commandstats tells.
  calls = 0;
  microseconds = 0;
  /** Errors before it ran: arity, permission, out of memory. */
  rejected = 0;
  /** Errors while it ran. */
  failed = 0;
  /** How long its calls took, while `latency-tracking` is on; null when there was none yet. */
  latency: Histogram | null = null;

  constructor(
    readonly spec: CommandSpec,
    /** What clients call it: `spec.name` unless rename-command says otherwise. */
    readonly name: string,
    readonly parent: Command | null,
  ) {
    this.fullName = parent === null ? name : `${parent.name}|${name}`;
    this.rule = parent === null ? spec.name : `${parent.spec.name}|${spec.name}`;
    this.arity = spec.arity;
    let flags = 0;
    for (const flag of spec.flags) flags |= 1 << FLAG_NAMES.indexOf(flag);
    this.flags = flags;
    this.categories = categoryBits(spec);
    this.keyAccess = new KeyAccess(spec);
    this.handler = spec.handler ?? null;
    this.isPlain = this.handler !== null && !NAMED_IN_RULES.has(this.rule);
    this.needsDisk = this.has(Flag.WRITE) || this.rule === 'ping';
    this.isQuick = (this.has(Flag.FAST) && !this.has(Flag.BLOCKING)) || spec.name === 'set';
    this.subcommands =
      spec.subcommands === undefined
        ? null
        : new CommandIndex(spec.subcommands.map((sub) => new Command(sub, sub.name, this)));
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  /** Whether a request of `count` arguments has a right number of them. */
  accepts(count: number): boolean {
    const { arity } = this;
    return arity >= 0 ? count === arity : count >= -arity;
  }

  /** Counts calls of equal length in the histogram. `slot` is `slotOf` their nanoseconds. Hot. */
  countLatency(slot: number, calls: number): void {
    let { latency } = this;
    if (latency === null) {
      latency = new Histogram();
      this.latency = latency;
    }
    latency.counts[slot]! += calls;
  }

  resetStatistics(): void {
    this.latency = null;
    this.calls = 0;
    this.microseconds = 0;
    this.rejected = 0;
    this.failed = 0;
    for (const sub of this.subcommands?.all ?? []) sub.resetStatistics();
  }
}

/** Commands by name, in any case. */
export class CommandIndex {
  private readonly slots: (Command | null)[];
  private readonly mask: number;
  private readonly byName = new Map<string, Command>();

  constructor(readonly all: readonly Command[]) {
    let size = 8;
    while (size < all.length * 4) size *= 2;
    this.mask = size - 1;
    this.slots = new Array<Command | null>(size).fill(null);
    for (const command of all) {
      assert(!this.byName.has(command.name), `one command is called ${command.name}`);
      this.byName.set(command.name, command);
      let slot = hashName(Buffer.from(command.name), 0, command.name.length) & this.mask;
      while (this.slots[slot] !== null) slot = (slot + 1) & this.mask;
      this.slots[slot] = command;
    }
  }

  get(name: string): Command | null {
    return this.byName.get(name.toLowerCase()) ?? null;
  }

  /** The command that argument `i` names. Hot. */
  find(a: Args, i: number): Command | null {
    const { buf } = a;
    const off = a.off[i]!;
    const len = a.len[i]!;
    let slot = hashName(buf, off, len) & this.mask;
    for (;;) {
      const command = this.slots[slot]!;
      if (command === null) return null;
      if (isNamed(command.name, buf, off, len)) return command;
      slot = (slot + 1) & this.mask;
    }
  }
}

/** Bit 5 is set in every byte: upper and lower case fall together, and `isNamed` tells the rest apart. */
function hashName(buf: Uint8Array, off: number, len: number): number {
  let hash = len;
  for (let i = off; i < off + len; i++) hash = (Math.imul(hash, 31) + (buf[i]! | 32)) | 0;
  return hash ^ (hash >>> 9);
}

function isNamed(name: string, buf: Uint8Array, off: number, len: number): boolean {
  if (name.length !== len) return false;
  for (let i = 0; i < len; i++) {
    let byte = buf[off + i]!;
    if (byte >= 65 && byte <= 90) byte += 32;
    if (byte !== name.charCodeAt(i)) return false;
  }
  return true;
}

/** One server's commands. */
export class CommandTable {
  readonly index: CommandIndex;
  /** All commands and subcommands, those that rename-command took away too. */
  readonly all: readonly Command[];
  private readonly byRule: ReadonlyMap<string, Command>;
  /** What `find` found last, if it has no subcommands. */
  private last: Command | null = null;

  /**
   * @param families the rows of every family
   * @param renames  [name, new name] of rename-command, in order; '' takes the command away. Unknown ones throw.
   */
  constructor(families: readonly (readonly CommandSpec[])[], renames: readonly (readonly [string, string])[] = []) {
    const names = new Map<CommandSpec, string>(families.flat().map((spec) => [spec, spec.name]));
    const called = new Map(families.flat().map((spec) => [spec.name, spec]));
    for (const [from, to] of renames) {
      const old = from.toLowerCase();
      const fresh = to.toLowerCase();
      const spec = called.get(old);
      if (spec === undefined) throw new RangeError('No such command in rename-command');
      called.delete(old);
      names.delete(spec);
      if (fresh === '') continue;
      if (called.has(fresh)) throw new RangeError('Target command name already exists');
      called.set(fresh, spec);
      names.set(spec, fresh);
    }
    const commands = families.flat().map((spec) => new Command(spec, names.get(spec) ?? spec.name, null));
    this.index = new CommandIndex(commands.filter((command) => names.has(command.spec)));
    this.all = commands.flatMap((command) => [command, ...(command.subcommands?.all ?? [])]);
    for (const [id, command] of this.all.entries()) command.id = id;
    this.byRule = new Map(this.all.map((command) => [command.rule, command]));
  }

  /** The command or subcommand that the arguments name; null when there is none. Hot: mostly it is the one before. */
  find(a: Args): Command | null {
    const { last } = this;
    if (last !== null && isNamed(last.name, a.buf, a.off[0]!, a.len[0]!)) return last;
    const command = this.index.find(a, 0);
    if (command === null) return null;
    if (command.subcommands !== null) return a.count < 2 ? command : command.subcommands.find(a, 1);
    this.last = command;
    return command;
  }

  /** `get` or `config|get`. */
  named(fullName: string): Command | null {
    const [name, sub, rest] = fullName.split('|');
    if (rest !== undefined) return null;
    const command = this.index.get(name!);
    if (sub === undefined || command === null) return command;
    return command.subcommands?.get(sub) ?? null;
  }

  /** The command that a rule means: by its own name, `get` or `config|get`, whatever rename-command says. */
  ruled(name: string): Command | null {
    return this.byRule.get(name) ?? null;
  }

  /** What all calls took together. */
  get microseconds(): number {
    let sum = 0;
    for (const command of this.index.all) {
      sum += command.microseconds;
      for (const sub of command.subcommands?.all ?? []) sum += sub.microseconds;
    }
    return sum;
  }

  resetStatistics(): void {
    for (const command of this.index.all) command.resetStatistics();
  }
}
