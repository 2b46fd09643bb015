/**
 * An ACL user: how it logs in, and what it may do. Rules are applied one after the other; a user's description, applied to a
 * new user of that name, gives the user again.
 *
 *   on nopass sanitize-payload #2d71... ~a* resetchannels &c -@all +get (%W~z resetchannels -@all +set)
 *
 * Invariant: the first selector holds the rules outside of parentheses and is always there.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { bytesOf } from '../../base/words.js';
import type { Args } from '../../formats/resp/args.js';
import type { Command } from '../table.js';
import { asciiLower, BAD_HASH, cString, NO_SUCH_PASSWORD, type RuleContext } from './rules.js';
import { Denial, Selector } from './selector.js';

const HASH = /^[0-9a-f]{64}$/;

export class User {
  isOn = false;
  /** Any password is right. */
  noPassword = false;
  /** Kept and told only: RESTORE looks at every payload. */
  sanitizesPayload = true;
  /** After a check that did not pass because of a key or a channel: its argument. */
  deniedAt = 0;
  private hashes: string[] = [];
  private all: Selector[];

  /** A new user, with no rights. Names are byte strings. */
  constructor(
    readonly name: string,
    private readonly context: RuleContext,
  ) {
    this.all = [new Selector(context)];
  }

  /** SHA-256 of its passwords, in hexadecimal. */
  get passwords(): readonly string[] {
    return this.hashes;
  }
  get selectors(): readonly Selector[] {
    return this.all;
  }
  get isUnrestricted(): boolean {
    return this.all.some((selector) => selector.isUnrestricted);
  }

  /** The patterns of channels that it may use, by any of its selectors, byte strings; null: all channels. */
  get channels(): readonly string[] | null {
    const found: string[] = [];
    for (const { channels } of this.all) {
      if (channels === null) return null;
      found.push(...channels);
    }
    return found;
  }

  /** Takes everything but the name from another user. */
  copy(from: User): void {
    this.isOn = from.isOn;
    this.noPassword = from.noPassword;
    this.sanitizesPayload = from.sanitizesPayload;
    this.hashes = [...from.hashes];
    this.all = from.all.map((selector) => selector.clone());
  }

  // --- rules -------------------------------------------------------------------------------------------------------------

  /** Applies one rule, a byte string; those in parentheses as one. Returns why it cannot, or null. */
  set(rule: string): string | null {
    if (rule === '') return null;
    switch (asciiLower(cString(rule))) {
      case 'on':
        this.isOn = true;
        return null;
      case 'off':
        this.isOn = false;
        return null;
      case 'sanitize-payload':
        this.sanitizesPayload = true;
        return null;
      case 'skip-sanitize-payload':
        this.sanitizesPayload = false;
        return null;
      case 'nopass':
        return this.resetPasswords(true);
      case 'resetpass':
        return this.resetPasswords(false);
      case 'clearselectors':
        this.all.length = 1;
        return null;
      case 'reset':
        this.copy(new User(this.name, this.context));
        return null;
    }
    const mark = rule[0]!;
    if ('>#<!'.includes(mark)) return this.setPassword(mark, rule.slice(1));
    if (mark === '(' && rule.endsWith(')')) {
      const selector = new Selector(this.context);
      const error = selector.setAll(rule);
      if (error === null) this.all.push(selector);
      return error;
    }
    return this.all[0]!.set(rule);
  }

  private resetPasswords(none: boolean): null {
    this.noPassword = none;
    this.hashes = [];
    return null;
  }

  private setPassword(mark: string, value: string): string | null {
    const isHash = mark === '#' || mark === '!';
    if (isHash && !HASH.test(value)) return BAD_HASH;
    const hash = isHash ? value : sha256(bytesOf(value));
    const known = this.hashes.indexOf(hash);
    if (mark === '>' || mark === '#') {
      if (known < 0) this.hashes.push(hash);
      this.noPassword = false;
    } else {
      if (known < 0) return NO_SUCH_PASSWORD;
      this.hashes.splice(known, 1);
    }
    return null;
  }

  /** The flags as ACL GETUSER names them. */
  get flags(): string[] {
    const flags = [this.isOn ? 'on' : 'off'];
    if (this.noPassword) flags.push('nopass');
    flags.push(this.sanitizesPayload ? 'sanitize-payload' : 'skip-sanitize-payload');
    return flags;
  }

  /** The rules that make this user of a new one, in one line. */
  get description(): string {
    const [first, ...others] = this.all;
    return [
      ...this.flags,
      ...this.hashes.map((hash) => `#${hash}`),
      first!.text,
      ...others.map((selector) => selector.textInParentheses),
    ].join(' ');
  }

  // --- checks ------------------------------------------------------------------------------------------------------------

  /** Whether it may log in with that password. */
  admits(password: Uint8Array): boolean {
    if (!this.isOn) return false;
    if (this.noPassword) return true;
    const given = Buffer.from(sha256(password));
    let found = false;
    for (const hash of this.hashes) if (timingSafeEqual(given, Buffer.from(hash))) found = true;
    return found;
  }

  /** Whether it may execute the request; see `deniedAt`. */
  check(command: Command, a: Args): Denial {
    let denial: Denial = Denial.COMMAND;
    this.deniedAt = 0;
    for (const selector of this.all) {
      const found = selector.check(command, a);
      if (found === Denial.NONE) return Denial.NONE;
      if (found === Denial.COMMAND) continue;
      if (found > denial || (found === denial && selector.deniedAt > this.deniedAt)) {
        denial = found;
        this.deniedAt = selector.deniedAt;
      }
    }
    return denial;
  }

  allowsChannel(name: Uint8Array, isPattern: boolean): boolean {
    return this.all.some((selector) => selector.allowsChannel(name, isPattern));
  }

  /** Whether it may execute the request and, with the same rights, access every key there is. */
  allowsEveryKey(command: Command, a: Args, access: number): boolean {
    return this.all.some((selector) => selector.check(command, a) === Denial.NONE && selector.allowsEveryKey(access));
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
