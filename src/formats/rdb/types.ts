/**
 * The numbers of the RDB format. Persisted: never renumber them.
 *
 * The number spaces of Redis and Valkey fork at type 22 and at opcodes 242 and 243: the file's magic says whose they are.
 */

/** The first byte of a value. */
export const RdbType = {
  STRING: 0,
  LIST: 1,
  SET: 2,
  ZSET: 3, // scores as text
  HASH: 4,
  ZSET_2: 5, // scores as binary doubles
  MODULE_PRE_GA: 6,
  MODULE_2: 7,
  HASH_ZIPMAP: 9,
  LIST_ZIPLIST: 10,
  SET_INTSET: 11,
  ZSET_ZIPLIST: 12,
  HASH_ZIPLIST: 13,
  LIST_QUICKLIST: 14,
  STREAM: 15,
  HASH_LISTPACK: 16,
  ZSET_LISTPACK: 17,
  LIST_QUICKLIST_2: 18,
  STREAM_2: 19,
  SET_LISTPACK: 20,
  STREAM_3: 21,
  // Redis, from here on
  HASH_METADATA_PRE_GA: 22,
  HASH_LISTPACK_EX_PRE_GA: 23,
  HASH_METADATA: 24,
  HASH_LISTPACK_EX: 25,
} as const;

/** Valkey's own numbers, in files whose magic is VALKEY. */
export const ValkeyType = { HASH_2: 22 } as const;

/** Bytes in the place of a type. */
export const RdbOpcode = {
  EOF: 255,
  SELECTDB: 254,
  EXPIRETIME: 253,
  EXPIRETIME_MS: 252,
  RESIZEDB: 251,
  AUX: 250,
  FREQ: 249,
  IDLE: 248,
  MODULE_AUX: 247,
  FUNCTION_PRE_GA: 246,
  FUNCTION2: 245,
  SLOT_INFO: 244,
} as const;

/** Lowest number that is an opcode rather than a type. */
export const OPCODE_MIN = 242;

/** Special forms of a string: the low six bits of a first byte 11xxxxxx. */
export const StringForm = { INT8: 0, INT16: 1, INT32: 2, LZF: 3 } as const;

/** Kinds of the pieces that a module value is made of. */
export const ModulePiece = { EOF: 0, SINT: 1, UINT: 2, FLOAT: 3, DOUBLE: 4, STRING: 5 } as const;

/** How a node of type 18 is stored. */
export const QuicklistNode = { PLAIN: 1, PACKED: 2 } as const;

export const RDB_VERSION_MAX = 12;
export const VALKEY_VERSION_MIN = 80;
export const VALKEY_VERSION_MAX = 80;

const TYPE_NAMES: Record<number, string> = {
  6: 'a module value of a pre-release',
  26: 'stream4 of Redis 8.6',
  27: 'stream5 of Redis 8.8',
  28: 'array of Redis 8.8',
  33: 'rate limiter of Redis 8.10',
};
for (let type = 29; type <= 32; type++) TYPE_NAMES[type] = 'hash template of Redis 8.10';

/** `type 26 (stream4 of Redis 8.6)`, for messages. */
export function describeType(type: number, valkey: boolean): string {
  const name = valkey && type >= 22 ? 'a Valkey type' : TYPE_NAMES[type];
  return name === undefined ? `type ${type}` : `type ${type} (${name})`;
}
