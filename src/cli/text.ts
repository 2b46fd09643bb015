/** What the programs print when they are asked about themselves. */
import { ONGGI_VERSION, REDIS_VERSION } from '../base/version.js';

/** In redis-server's form: tools read `v=` as the version of the protocol and the commands. */
export function serverVersion(): string {
  return `Redis server v=${REDIS_VERSION} sha=00000000:0 malloc=arena bits=64 build=onggi-${ONGGI_VERSION}`;
}

export const SERVER_USAGE = `Usage: onggi-server [/path/to/redis.conf] [options] [-]
       onggi-server - (read the configuration from standard input)
       onggi-server -v or --version
       onggi-server -h or --help
       onggi-server --test-memory <megabytes>
       onggi-server --check-system

Options are the directives of redis.conf, each with its values:
       onggi-server (serve with the defaults)
       onggi-server /etc/redis/redis.conf
       onggi-server --port 7777 --appendonly yes
       onggi-server --save "60 10" --save 300 1
       onggi-server /etc/redis/redis.conf --loglevel verbose -
       echo 'maxmemory 128mb' | onggi-server -
`;

export const ONGGI_USAGE = `Onggi ${ONGGI_VERSION}: keeps Redis data (speaks Redis ${REDIS_VERSION})

Usage: onggi [serve] [redis.conf] [--directive value ...]
       onggi --version
       onggi --help

Commands:
  serve    serve Redis clients; what 'onggi' alone does

Every directive of redis.conf is an option too:
  onggi serve --port 7000 --appendonly yes --dir ./data
  onggi serve /etc/redis/redis.conf --maxmemory 1gb
  onggi serve --save "60 10"

'onggi-server' takes exactly redis-server's command line.
`;

export const TEST_MEMORY_USAGE = `Please specify the amount of memory to test in megabytes.
Example: onggi-server --test-memory 4096

`;
