/**
 * The users of a server by name, and the file form of all of them: one line a user, `user NAME RULES`, blank lines between
 * them. A change is made whole or not at all.
 */
import { hasSpaces, mergeSelectors, type RuleContext, UNKNOWN_COMMAND, UNMATCHED } from './rules.js';
import { User } from './user.js';

export const DEFAULT_USER = 'default';

export class Users {
  private readonly byName = new Map<string, User>();
  /** New connections are this user's. It is always there, and always the same object. */
  readonly default: User;

  constructor(readonly context: RuleContext) {
    this.default = newDefaultUser(context);
    this.byName.set(DEFAULT_USER, this.default);
  }

  /** In the order of their names' bytes. */
  get all(): readonly User[] {
    return [...this.byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
  get(name: string): User | undefined {
    return this.byName.get(name);
  }

  /**
   * The user that the rules make of `name`, new or changed, apart from those in force: `put` puts it there. Or the rule
   * that cannot be applied, and why.
   */
  draft(name: string, words: readonly string[]): { user: User } | { rule: string; reason: string } {
    const merged = mergeSelectors(words);
    if ('unmatched' in merged) return { rule: merged.unmatched, reason: UNMATCHED };
    const user = new User(name, this.context);
    const known = this.byName.get(name);
    if (known !== undefined) user.copy(known);
    for (const rule of merged.rules) {
      const reason = user.set(rule);
      if (reason !== null) return { rule, reason };
    }
    return { user };
  }

  /** Puts a user in force, in place of the one of its name. Returns the object that stands for it from now on. */
  put(user: User): User {
    const known = this.byName.get(user.name);
    if (known === undefined) {
      this.byName.set(user.name, user);
      return user;
    }
    known.copy(user);
    return known;
  }

  /** Takes a user away; not the default one. */
  remove(name: string): User | undefined {
    const user = this.byName.get(name);
    this.byName.delete(name);
    return user;
  }

  /** The lines of a file with all users, each without its `user`. */
  get lines(): string[] {
    return this.all.map((user) => `${user.name} ${user.description}`);
  }

  /** Reads a file of users. The default user is among them, as it is at first unless the file says otherwise. */
  parseFile(text: string, file: string): { users: User[] } | { errors: string } {
    const users = new Map<string, User>();
    let errors = '';
    for (const [i, raw] of text.split('\n').entries()) {
      const line = raw.replace(/^[ \t\r]+|[ \t\r]+$/g, '');
      if (line === '') continue;
      const [keyword, name, ...words] = line.split(' ');
      const place = `${file}:${i + 1}`;
      if (keyword !== 'user' || name === undefined) {
        errors += `${place} should start with user keyword followed by the username. `;
      } else if (hasSpaces(name)) {
        errors += `'${place}: username '${name}' contains invalid characters. `;
      } else if (users.has(name)) {
        errors += `WARNING: Duplicate user '${name}' found on line ${i + 1}. `;
      } else {
        const user = new User(name, this.context);
        users.set(name, user);
        errors += applyLine(user, words, place);
      }
    }
    if (errors !== '') {
      const end = 'WARNING: ACL errors detected, no change to the previously active ACL rules was performed';
      return { errors: errors + end };
    }
    if (!users.has(DEFAULT_USER)) users.set(DEFAULT_USER, newDefaultUser(this.context));
    return { users: [...users.values()] };
  }
}

/** What is wrong with the rules of a line: every unknown command is told, of other mistakes only the first one. */
function applyLine(user: User, words: readonly string[], place: string): string {
  const merged = mergeSelectors(words);
  if ('unmatched' in merged) return `${place}: Unmatched parenthesis in selector definition. `;
  let errors = '';
  let told = false;
  for (const raw of merged.rules) {
    const rule = raw.replace(/^[\t\r]+|[\t\r]+$/g, '');
    const error = user.set(rule);
    if (error === UNKNOWN_COMMAND) {
      errors += `${place}: Error in applying operation '${rule}': ${error}. `;
    } else if (error !== null && !told) {
      errors += `${place}: ${error}. `;
      told = true;
    }
  }
  return errors;
}

function newDefaultUser(context: RuleContext): User {
  const user = new User(DEFAULT_USER, context);
  for (const rule of ['+@all', '~*', '&*', 'on', 'nopass']) user.set(rule);
  return user;
}
