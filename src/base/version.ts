/**
 * The two versions that Onggi has: its own, and the Redis that it answers as (INFO redis_version, the AUX field
 * redis-ver of an RDB, HELLO). A test holds the first equal to package.json's.
 */
export const ONGGI_VERSION = '0.1.0';
export const REDIS_VERSION = '7.2.6';
/** REDIS_VERSION as 0x00MMmmpp, as modules and COMMAND DOCS count it. */
export const REDIS_VERSION_NUMBER = 0x00070206;
