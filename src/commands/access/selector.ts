/**
 * A selector: a set of rules about commands, keys and channels. A request is allowed when one selector of its user allows
 * all of it.
 *
 *   bits        [1 bit a command, by Command.id]     what `rules` come to, so that a check is one look
 *   rules       ['+@hash', '-hget']                  as they were given, for the description: a rule that is given again moves
 *                                                    to the end, one about a command takes those about its subcommands away
 *   firstArgs   id -> first arguments that are allowed though the command is not
 *
 * Invariant: applying `+@all` or `-@all` (as `startsWithAll` says) and then `rules` to an empty selector gives `bits` and
 * `firstArgs`.
 */
import { globMatchAt } from '../../base/glob.js';
import { bytesOf, quoteWord, splitWords } from '../../base/words.js';
import type { Args } from '../../formats/resp/args.js';
import { type Command, Flag } from '../table.js';
import { categoryBit } from './categories.js';
import { KeyRight } from './key-access.js';
import {
  asciiLower,
  asciiUpper,
  BAD_RULE,
  CHANNEL_AFTER_ALL,
  cString,
  FIRST_ARG_OF_SUBCOMMAND,
  hasSpaces,
  PATTERN_AFTER_ALL,
  type RuleContext,
  UNKNOWN_COMMAND,
} from './rules.js';

/** Why a request is denied; of several selectors' reasons the greatest one counts. */
export const Denial = { NONE: 0, COMMAND: 1, KEY: 2, CHANNEL: 4 } as const;
export type Denial = (typeof Denial)[keyof typeof Denial];

interface Pattern {
  /** A byte string. */
  readonly text: string;
  readonly bytes: Uint8Array;
}

interface KeyPattern extends Pattern {
  access: number;
}

export class Selector {
  allCommands = false;
  allKeys = false;
  allChannels: boolean;
  /** After a check that did not pass because of a key or a channel: its argument. */
  deniedAt = 0;
  private bits: Uint32Array;
  private startsWithAll = false;
  private rules: string[] = [];
  private firstArgs = new Map<number, string[]>();
  private keyPatterns: KeyPattern[] = [];
  private channelPatterns: Pattern[] = [];

  constructor(private readonly context: RuleContext) {
    this.allChannels = context.allChannels;
    this.bits = new Uint32Array(Math.ceil(context.commands.all.length / 32));
  }

  clone(): Selector {
    const copy = new Selector(this.context);
    copy.allCommands = this.allCommands;
    copy.allKeys = this.allKeys;
    copy.allChannels = this.allChannels;
    copy.bits = this.bits.slice();
    copy.startsWithAll = this.startsWithAll;
    copy.rules = [...this.rules];
    copy.firstArgs = new Map([...this.firstArgs].map(([id, args]) => [id, [...args]]));
    copy.keyPatterns = this.keyPatterns.map((pattern) => ({ ...pattern }));
    copy.channelPatterns = [...this.channelPatterns];
    return copy;
  }

  /** Allows everything there is. */
  get isUnrestricted(): boolean {
    return this.allCommands && this.allKeys && this.allChannels;
  }

  /** The channels and patterns that may be used, byte strings; null: all. */
  get channels(): readonly string[] | null {
    return this.allChannels ? null : this.channelPatterns.map(({ text }) => text);
  }

  // --- rules -------------------------------------------------------------------------------------------------------------

  /** Applies one rule, a byte string. Returns why it cannot, or null. */
  set(rule: string): string | null {
    const text = cString(rule);
    switch (asciiLower(text)) {
      case 'allkeys':
      case '~*':
        return this.setKeys(true);
      case 'resetkeys':
        return this.setKeys(false);
      case 'allchannels':
      case '&*':
        return this.setChannels(true);
      case 'resetchannels':
        return this.setChannels(false);
      case 'allcommands':
      case '+@all':
        return this.setCommands(true);
      case 'nocommands':
      case '-@all':
        return this.setCommands(false);
    }
    const mark = text[0];
    if (mark === '~' || mark === '%') return this.addKeyPattern(rule);
    if (mark === '&') return this.addChannelPattern(rule.slice(1));
    if (mark !== '+' && mark !== '-') return BAD_RULE;
    const name = text.slice(1);
    if (name.startsWith('@')) return this.setCategory(name, mark === '+');
    return mark === '+' && name.includes('|') ? this.allowPart(name) : this.setCommand(name, mark === '+');
  }

  private setKeys(all: boolean): null {
    this.allKeys = all;
    this.keyPatterns = [];
    return null;
  }
  private setChannels(all: boolean): null {
    this.allChannels = all;
    this.channelPatterns = [];
    return null;
  }
  private setCommands(all: boolean): null {
    this.bits.fill(all ? 0xffffffff : 0);
    this.startsWithAll = all;
    this.allCommands = all;
    this.rules = [];
    this.firstArgs.clear();
    return null;
  }

  private addKeyPattern(rule: string): string | null {
    if (this.allKeys) return PATTERN_AFTER_ALL;
    let access: number = KeyRight.BOTH;
    let text = rule.slice(1);
    if (rule.startsWith('%')) {
      const match = /^%(r|w|rw|wr)(~|$)/i.exec(rule);
      if (match === null) return BAD_RULE;
      const letters = match[1]!.toLowerCase();
      access = (letters.includes('r') ? KeyRight.READ : 0) | (letters.includes('w') ? KeyRight.WRITE : 0);
      text = rule.slice(match[0].length);
    }
    if (hasSpaces(text)) return BAD_RULE;
    const known = this.keyPatterns.find((pattern) => pattern.text === text);
    if (known === undefined) this.keyPatterns.push({ text, bytes: bytesOf(text), access });
    else known.access |= access;
    return null;
  }

  private addChannelPattern(text: string): string | null {
    if (this.allChannels) return CHANNEL_AFTER_ALL;
    if (hasSpaces(text)) return BAD_RULE;
    if (!this.channelPatterns.some((pattern) => pattern.text === text)) {
      this.channelPatterns.push({ text, bytes: bytesOf(text) });
    }
    return null;
  }

  private setCommand(name: string, allow: boolean): string | null {
    const command = this.context.commands.ruled(asciiLower(name));
    if (command === null) return UNKNOWN_COMMAND;
    this.allow(command, allow);
    this.keepRule(command.rule, allow);
    return null;
  }

  /** `+config|get`, or `+select|0`: a command that is allowed with that first argument alone. */
  private allowPart(name: string): string | null {
    const { commands } = this.context;
    const bar = name.lastIndexOf('|');
    const command = commands.ruled(asciiLower(name.slice(0, bar)));
    if (command === null) return UNKNOWN_COMMAND;
    if (command.parent !== null) return FIRST_ARG_OF_SUBCOMMAND;
    const part = name.slice(bar + 1);
    if (part === '') return BAD_RULE;
    if (command.subcommands !== null) {
      const sub = commands.ruled(asciiLower(name));
      if (sub === null) return UNKNOWN_COMMAND;
      this.allow(sub, true);
    } else {
      this.context.deprecated(`+${name}`);
      this.allowFirstArg(command, asciiUpper(part));
    }
    this.keepRule(asciiLower(name), true);
    return null;
  }

  private allowFirstArg({ id }: Command, argument: string): void {
    const known = this.firstArgs.get(id);
    if (known === undefined) this.firstArgs.set(id, [argument]);
    else if (!known.includes(argument)) known.push(argument);
  }

  private setCategory(name: string, allow: boolean): string | null {
    const bit = categoryBit(name.slice(1));
    if (bit === 0) return UNKNOWN_COMMAND;
    this.keepRule(asciiLower(name), allow);
    for (const command of this.context.commands.all) {
      if ((command.categories & bit) !== 0) this.allow(command, allow);
    }
    return null;
  }

  /** What holds for a container holds for its subcommands. */
  private allow(command: Command, allow: boolean): void {
    this.setBit(command.id, allow);
    this.firstArgs.delete(command.id);
    for (const sub of command.subcommands?.all ?? []) this.setBit(sub.id, allow);
  }

  private setBit(id: number, on: boolean): void {
    const bit = 1 << (id & 31);
    if (on) this.bits[id >>> 5]! |= bit;
    else this.bits[id >>> 5]! &= ~bit;
    if (!on) this.allCommands = false;
  }

  private keepRule(name: string, allow: boolean): void {
    const part = `${name}|`;
    this.rules = this.rules.filter((rule) => rule.slice(1) !== name && !rule.startsWith(part, 1));
    this.rules.push(`${allow ? '+' : '-'}${name}`);
  }

  // --- description -------------------------------------------------------------------------------------------------------

  get commandsText(): string {
    return [this.startsWithAll ? '+@all' : '-@all', ...this.rules].join(' ');
  }

  /** Differs from Redis's for the pattern `*` of keys, which is not "all keys": read again it must mean the same. */
  get keysText(): string {
    return this.allKeys ? '~*' : this.keyPatterns.map(keyPatternText).join(' ');
  }

  get channelsText(): string {
    return this.allChannels ? '&*' : this.channelPatterns.map(({ text }) => `&${text}`).join(' ');
  }

  /** As it stands in a user's description. */
  get text(): string {
    const parts = this.keysText === '' ? [] : [this.keysText];
    if (!this.allChannels) parts.push('resetchannels');
    if (this.channelsText !== '') parts.push(this.channelsText);
    parts.push(this.commandsText);
    return parts.join(' ');
  }

  /**
   * As it stands in a user's description when it is not the first one: in parentheses. Its words are read as those of a
   * line, so quotes in them are quoted, unlike in Redis; and only the last one may end with a parenthesis.
   */
  get textInParentheses(): string {
    const words = this.text.split(' ').map((word) => (/["']|\)$/.test(word) ? quoteWord(word) : word));
    return `(${words.join(' ')})`;
  }

  /** Applies the rules between the parentheses of `(+get ~k)`. */
  setAll(rule: string): string | null {
    // Quotes that do not balance make an empty selector, as in Redis.
    for (const word of splitWords(rule.slice(1, -1)) ?? []) {
      const error = this.set(word);
      if (error !== null) return error;
    }
    return null;
  }

  // --- checks ------------------------------------------------------------------------------------------------------------

  /** Whether the request may be executed; see `deniedAt`. */
  check(command: Command, a: Args): Denial {
    if (!this.allCommands && (command.flags & Flag.NO_AUTH) === 0 && !this.allowsCommand(command, a)) {
      return Denial.COMMAND;
    }
    if (!this.allKeys) {
      const denied = command.keyAccess.firstDenied(a, this.allowsKey);
      if (denied > 0) {
        this.deniedAt = denied;
        return Denial.KEY;
      }
    }
    if (!this.allChannels && command.spec.channels !== undefined) {
      const denied = this.deniedChannel(command.spec.channels, a);
      if (denied > 0) {
        this.deniedAt = denied;
        return Denial.CHANNEL;
      }
    }
    return Denial.NONE;
  }

  private allowsCommand({ id }: Command, a: Args): boolean {
    if ((this.bits[id >>> 5]! & (1 << (id & 31))) !== 0) return true;
    if (this.firstArgs.size === 0 || a.count < 2) return false;
    return this.firstArgs.get(id)?.some((argument) => a.is(1, argument)) ?? false;
  }

  private readonly allowsKey = (a: Args, i: number, access: number): boolean => {
    for (const pattern of this.keyPatterns) {
      if ((pattern.access & access) !== access) continue;
      if (globMatchAt(pattern.bytes, 0, pattern.bytes.length, a.buf, a.off[i]!, a.len[i]!)) return true;
    }
    return false;
  };

  /** Whether every key there is may be accessed like that. */
  allowsEveryKey(access: number): boolean {
    if (this.allKeys) return true;
    return this.keyPatterns.some((pattern) => pattern.text === '*' && (pattern.access & access) === access);
  }

  /** Whether a channel, or a pattern of channels, may be used. */
  allowsChannel(name: Uint8Array, isPattern: boolean): boolean {
    if (this.allChannels) return true;
    // A subscriber's pattern must be one of the rules' patterns itself.
    return this.channelPatterns.some(({ bytes }) =>
      isPattern ? Buffer.compare(bytes, name) === 0 : globMatchAt(bytes, 0, bytes.length, name, 0, name.length),
    );
  }

  private deniedChannel([kind, first, last]: ChannelArgs, a: Args): number {
    const end = last < 0 ? a.count - 1 : last;
    for (let i = first; i <= end; i++) if (!this.allowsChannel(a.bytes(i), kind === 'pattern')) return i;
    return 0;
  }
}

type ChannelArgs = NonNullable<Command['spec']['channels']>;

function keyPatternText({ text, access }: KeyPattern): string {
  if (access === KeyRight.BOTH) return text === '*' ? '%RW~*' : `~${text}`;
  return access === KeyRight.READ ? `%R~${text}` : `%W~${text}`;
}
