/**
 * Who may do what on this server: its users, where they are kept, and what follows for connections.
 *
 * Kept in redis.conf (`user` lines, written by CONFIG REWRITE) or in a file of their own (`aclfile`, ACL LOAD and SAVE), never
 * in both. `requirepass` is the default user's password.
 *
 * Invariants:
 *   1. A session of a user who may not do everything has SessionFlag.RESTRICTED: dispatch then asks `refusal`. All others pay
 *      nothing. Whoever gives a session another user, or a user other rights, does it here.
 *   2. A change of a user is in force for its connections at once; a user who is gone has none.
 *   3. A file of users that has a mistake changes nothing.
 *
 * After a crash during ACL SAVE the file is the old one or the new one.
 */
import { strerror } from '../base/strerror.js';
import { byteString, byteStringOf, bytesOf, quoteWord, textOf } from '../base/words.js';
import { DenialLog, type DenialScene, denialText, reasonOf } from '../commands/access/denials.js';
import { hasSpaces, type RuleContext } from '../commands/access/rules.js';
import { Denial } from '../commands/access/selector.js';
import type { User } from '../commands/access/user.js';
import { DEFAULT_USER, Users } from '../commands/access/users.js';
import type { AccessControl } from '../commands/services.js';
import { type Session, SessionFlag } from '../commands/session.js';
import type { Command } from '../commands/table.js';
import { nodeDisk } from '../disk/disk.js';
import { readFile, replaceFile } from '../disk/replace-file.js';
import type { Args } from '../formats/resp/args.js';
import type { Client } from './client.js';
import type { Server } from './server.js';
import { StartError } from './start-error.js';

const NO_FILE =
  'This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command ' +
  'and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the ' +
  'Redis configuration.';
const NOT_SAVED = 'There was an error trying to save the ACLs. Please check the server logs for more information';
const TWO_PLACES =
  'Configuring Redis with users defined in redis.conf and at the same setting an ACL file path is invalid. This setup is ' +
  'very likely to lead to configuration errors and security holes, please define either an ACL file or declare users ' +
  'directly in your redis.conf, but not both.';
const NO_LONGER_ALLOWED =
  'NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no ' +
  'longer allowed for the following reason: ';

const REASONS_AT_EXEC = {
  command: 'no permission to execute the command or subcommand',
  key: 'no permission to touch the specified keys',
  channel: 'no permission to access one of the channels used as arguments',
  auth: 'no permission',
} as const;

export class Access implements AccessControl {
  readonly users: Users;
  readonly denials = new DenialLog();

  constructor(private readonly server: Server) {
    const { config, commands, log } = server;
    const context: RuleContext = {
      commands,
      allChannels: false,
      deprecated: (rule) =>
        log.warning(
          'Deprecation warning: Allowing a first arg of an otherwise blocked command is a misuse of ACL and may get ' +
            `disabled in the future (offender: ${rule})`,
        ),
    };
    const followPubsubDefault = () => {
      context.allChannels = config.values['acl-pubsub-default'] === 'allchannels';
    };
    followPubsubDefault();
    config.onChange('acl-pubsub-default', followPubsubDefault);
    this.users = new Users(context);
    if (config.values.requirepass !== '') this.setDefaultPassword();
    config.onChange('requirepass', () => this.setDefaultPassword());
  }

  /** Whether a client must log in before it may do anything. */
  get needsPassword(): boolean {
    const { noPassword, isOn } = this.users.default;
    return !noPassword || !isOn;
  }

  private setDefaultPassword(): void {
    const { config } = this.server;
    const user = this.users.default;
    user.set('resetpass');
    user.set(config.values.requirepass === '' ? 'nopass' : `>${byteStringOf(config.bytes('requirepass'))}`);
    this.follow(user);
  }

  // --- sessions ----------------------------------------------------------------------------------------------------------

  /** The session is as a new connection: the default user's, and in when that one needs no password. */
  admit(session: Session): void {
    this.assign(session, this.users.default, !this.needsPassword);
  }

  private assign(session: Session, user: User, authenticated: boolean): void {
    session.user = user;
    session.authenticated = authenticated;
    this.mark(session);
  }

  /** Restores invariant 1 for a session. */
  private mark(session: Session): void {
    if (session.user === null || session.user.isUnrestricted) session.flags &= ~SessionFlag.RESTRICTED;
    else session.flags |= SessionFlag.RESTRICTED;
    const { parser } = session as Partial<Client>;
    if (parser !== undefined) parser.authenticated = session.authenticated || !this.needsPassword;
  }

  logIn(session: Session, name: string, password: Uint8Array, command: string): boolean {
    const user = this.users.get(name);
    if (user?.admits(password)) {
      this.assign(session, user, true);
      return true;
    }
    this.note(session, 'auth', sceneOf(session), command, name);
    return false;
  }

  // --- checks ------------------------------------------------------------------------------------------------------------

  /** The error for a request that the session's user may not make, noted in the log; null: it may. */
  refusal(session: Session, command: Command, a: Args, scene: DenialScene = sceneOf(session)): string | null {
    const denial = this.check(session, command, a, scene);
    return denial === Denial.NONE ? null : `NOPERM ${denialText(denial, session.user!, command)}`;
  }

  /** The same for a command of a transaction that was allowed when it was queued. */
  refusalAtExec(session: Session, command: Command, a: Args): string | null {
    const denial = this.check(session, command, a, 'multi');
    return denial === Denial.NONE ? null : `${NO_LONGER_ALLOWED}${REASONS_AT_EXEC[reasonOf(denial)]}`;
  }

  private check(session: Session, command: Command, a: Args, scene: DenialScene): Denial {
    const { user } = session;
    if (user === null) return Denial.NONE;
    const denial = user.check(command, a);
    if (denial !== Denial.NONE) {
      const object = denial === Denial.COMMAND ? command.rule : a.latin1(user.deniedAt);
      this.note(session, reasonOf(denial), scene, object, user.name);
    }
    return denial;
  }

  private note(
    session: Session,
    reason: Parameters<DenialLog['add']>[0]['reason'],
    scene: DenialScene,
    object: string,
    user: string,
  ): void {
    const client = (session as Partial<Client>).describe?.() ?? '';
    const { config, dispatcher } = this.server;
    this.denials.add(
      { reason, scene, object, user, client },
      dispatcher.context.now,
      Number(config.values['acllog-max-len']),
    );
  }

  // --- changes -----------------------------------------------------------------------------------------------------------

  put(user: User): void {
    const before = this.users.get(user.name)?.channels;
    const live = this.users.put(user);
    this.follow(live);
    if (before !== undefined && losesChannels(before, live.channels)) this.dismissListeners(live);
  }

  remove(name: string): boolean {
    const user = this.users.remove(name);
    if (user === undefined) return false;
    this.dismiss(user);
    return true;
  }

  /** What a user may do has changed. */
  private follow(user: User): void {
    for (const client of this.connections()) {
      // Whether the default user needs a password concerns whoever has not logged in.
      if (client.user === user || user === this.users.default) this.mark(client);
    }
  }

  /** A user is gone: nobody goes on under its name. */
  private dismiss(user: User): void {
    for (const client of this.connections()) {
      if (client.user !== user) continue;
      this.assign(client, this.users.default, false);
      this.server.clients.kill(client);
    }
  }

  /** A user has lost channels: who listens to one of them under its name goes. */
  private dismissListeners(user: User): void {
    const { clients, pubsub } = this.server;
    for (const client of this.connections()) {
      if (client.user !== user) continue;
      const lost = LISTENED.some((kind) =>
        pubsub.namesOf(client, kind).some((name) => !user.allowsChannel(name, kind === 'pattern')),
      );
      if (lost) clients.kill(client);
    }
  }

  private connections(): Client[] {
    // Directives are followed before there is anything to connect to.
    return [...(this.server.clients?.list() ?? [])];
  }

  // --- files -------------------------------------------------------------------------------------------------------------

  /** Takes the users of redis.conf or of the file. Throws what makes a start impossible. */
  start(): void {
    const { config, log } = this.server;
    if (config.values.aclfile !== '') {
      if (config.users.length > 0) throw new Error(TWO_PLACES);
      const errors = this.load();
      if (errors !== null) throw new Error(`Aborting Redis startup because of ACL errors: ${errors}`);
    }
    for (const [name, ...rules] of config.users) {
      const error = this.takeConfigured(name!, rules);
      if (error === null) continue;
      log.warning(error);
      const failed = 'Critical error while loading ACLs';
      throw new StartError(`${failed}: ${textOf(error)}`, `${failed}. Exiting.`);
    }
  }

  private takeConfigured(name: string, words: readonly string[]): string | null {
    if (hasSpaces(name)) return 'Spaces not allowed in ACL usernames';
    if (name === DEFAULT_USER) this.users.default.set('reset');
    const draft = this.users.draft(name, words);
    if ('rule' in draft) {
      return `Error loading ACL rule '${draft.rule}' for the user named '${name}': ${draft.reason}`;
    }
    this.put(draft.user);
    if (!draft.user.isOn) {
      this.server.log.notice(
        `The user '${name}' is disabled (there is no 'on' modifier in the user description). Make sure this is not a ` +
          'configuration error.',
      );
    }
    return null;
  }

  /** The user lines of redis.conf, each without its `user`: none when users have a file of their own. */
  get configLines(): readonly string[] {
    if (this.server.config.values.aclfile !== '') return [];
    return this.users.lines.map((line) =>
      line
        .split(' ')
        .map((word) => (word === '' || /["']/.test(word) ? quoteWord(word) : word))
        .join(' '),
    );
  }

  private get path(): string {
    return this.server.config.path(this.server.config.values.aclfile);
  }
  private get disk() {
    // Users are no data: a server that keeps its data in memory has them in a file all the same.
    return this.server.inMemory ? nodeDisk : this.server.disk;
  }

  load(): string | null {
    const { config } = this.server;
    if (config.values.aclfile === '') return NO_FILE;
    const name = byteString(config.values.aclfile);
    let text: string;
    try {
      text = this.read();
    } catch (error) {
      return `Error loading ACLs, opening file '${name}': ${strerror(error)}`;
    }
    const parsed = this.users.parseFile(text, name);
    if ('errors' in parsed) return parsed.errors;
    const kept = new Set(parsed.users.map((user) => user.name));
    for (const user of this.users.all) if (!kept.has(user.name)) this.remove(user.name);
    for (const user of parsed.users) this.put(user);
    return null;
  }

  private read(): string {
    const bytes = readFile(this.disk, this.path);
    if (bytes === null) throw Object.assign(new Error('no file of users'), { code: 'ENOENT' });
    return bytes.toString('latin1');
  }

  save(): string | null {
    const { config, log } = this.server;
    if (config.values.aclfile === '') return NO_FILE;
    const text = this.users.lines.map((line) => `user ${line}\n`).join('');
    try {
      replaceFile(this.disk, this.path, `${this.path}.tmp-${process.pid}-${Date.now()}`, bytesOf(text));
      return null;
    } catch (error) {
      log.warning(`Writing ACL file for ACL SAVE: ${strerror(error)}`);
      return NOT_SAVED;
    }
  }
}

const LISTENED = ['channel', 'pattern', 'shard'] as const;

/** Whether some pattern of channels (null: all) is not there any more. */
function losesChannels(before: readonly string[] | null, now: readonly string[] | null): boolean {
  return now !== null && (before === null || before.some((pattern) => !now.includes(pattern)));
}

function sceneOf(session: Session): DenialScene {
  return session.has(SessionFlag.MULTI) ? 'multi' : 'toplevel';
}
