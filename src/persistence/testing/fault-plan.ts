/**
 * What goes wrong on a disk, by chance: one operation or a few of a kind fail, a write falls short, the machine ends at any
 * operation, or the disk is full until it is told to have space again.
 */
import type { DiskOperation, Fault, Random } from '../../disk/faulty-disk.js';

const KINDS = [
  'open',
  'write',
  'truncate',
  'sync',
  'rename',
  'unlink',
  'mkdir',
  'syncDir',
  'close',
  'short',
  'crash',
] as const satisfies readonly (DiskOperation | 'short' | 'crash')[];
const PLACES = [/manifest|base|temp-/, /rdb$/, /incr/];
const MUTE = new Set<DiskOperation>(['close', 'read']);

/** Into room of the log whole sectors are written or nothing, as into what any file has on the disk already. */
function fallsShort(operation: DiskOperation, path: string): boolean {
  return operation === 'write' && !path.endsWith('.incr.aof');
}

export class Chance {
  constructor(readonly random: Random) {}

  /** A whole number in [0, bound). */
  below(bound: number): number {
    return Math.floor(this.random() * bound);
  }

  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}

interface Plan {
  kind: (typeof KINDS)[number];
  /** Only of such paths. */
  place: RegExp | null;
  /** So many operations pass before, and so many fail. */
  pass: number;
  times: number;
}

export class FaultPlan {
  /** There is no space on the disk. */
  full = false;
  /** Since `forget`: whether something could not be removed, or a sync of the log has failed. */
  unlinkFailed = false;
  logSyncFailed = false;
  private plan: Plan | null = null;

  constructor(
    private readonly chance: Chance,
    private readonly tell: (what: string) => void,
  ) {}

  next(): void {
    const { chance } = this;
    if (this.plan !== null) return;
    const kind = chance.pick(KINDS);
    const place = kind !== 'crash' && chance.oneIn(3) ? chance.pick(PLACES) : null;
    const pass = chance.below(kind === 'crash' ? 30 : 5);
    this.plan = { kind, place, pass, times: chance.oneIn(3) ? 2 + chance.below(6) : 1 };
  }

  /** Nothing fails from here on. */
  end(): void {
    this.plan = null;
    this.full = false;
  }

  /** What the disk asks for each operation. */
  readonly fault = (kind: DiskOperation, path: string): Fault | null => {
    const { plan, chance } = this;
    if (this.full && (kind === 'write' || kind === 'mkdir')) {
      return fallsShort(kind, path) && chance.oneIn(4) ? { short: 1 + chance.below(20) } : { code: 'ENOSPC' };
    }
    if (plan === null || !this.concerns(plan, kind, path) || plan.pass-- > 0) return null;
    if (--plan.times === 0 || plan.kind === 'crash') this.plan = null;
    this.tell(`(${plan.kind === kind ? '' : `${plan.kind} at `}${kind} of ${path})`);
    if (plan.kind === 'crash') return 'crash';
    if (plan.kind === 'short') return { short: 1 + chance.below(20) };
    if (kind === 'unlink') this.unlinkFailed = true;
    if (kind === 'sync' && path.endsWith('.incr.aof')) this.logSyncFailed = true;
    return { code: chance.oneIn(2) ? 'EIO' : 'ENOSPC' };
  };

  private concerns({ kind, place }: Plan, operation: DiskOperation, path: string): boolean {
    if (kind === 'crash') return !MUTE.has(operation);
    return (
      (kind === 'short' ? fallsShort(operation, path) : kind === operation) && (place === null || place.test(path))
    );
  }
}
