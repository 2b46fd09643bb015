/** Runs the same measurement on both servers. */
import { type Server, type ServerOptions, startOnggi, startOracle } from '../test/support/server.js';

export interface Both<T> {
  ours: T;
  redis: T;
}

/** One after the other, each on a server of its own: what one does must not disturb the other. */
export async function onBoth<T>(options: ServerOptions, measure: (server: Server) => Promise<T>): Promise<Both<T>> {
  return { redis: await onOne(startOracle, options, measure), ours: await onOne(startOnggi, options, measure) };
}

async function onOne<T>(
  start: typeof startOnggi,
  options: ServerOptions,
  measure: (server: Server) => Promise<T>,
): Promise<T> {
  const server = await start(options);
  try {
    return await measure(server);
  } finally {
    await server.stop();
  }
}

/** Both run at once, for measurements that take turns on them. */
export async function withBoth<T>(options: ServerOptions, measure: (servers: Both<Server>) => Promise<T>): Promise<T> {
  const redis = await startOracle(options);
  const ours = await startOnggi(options).catch(async (error) => {
    await redis.stop();
    throw error;
  });
  try {
    return await measure({ ours, redis });
  } finally {
    await Promise.all([ours.stop(), redis.stop()]);
  }
}

/** The same on both, one after the other. */
export async function onEach<T>(measure: (side: keyof Both<T>) => Promise<T>): Promise<Both<T>> {
  return { redis: await measure('redis'), ours: await measure('ours') };
}

/**
 * The same on both, `rounds` times in turns: ours first, then redis-server first, so that what changes with time favours
 * neither. `cold`: they are not warmed up by a round that does not count.
 */
export async function inTurns<T>(
  rounds: number,
  measure: (side: keyof Both<T>) => Promise<T>,
  cold = false,
): Promise<Both<T[]>> {
  if (!cold) {
    await measure('redis');
    await measure('ours');
  }
  const all: Both<T[]> = { ours: [], redis: [] };
  for (let round = 0; round < rounds; round++) {
    for (const side of round % 2 === 0 ? (['ours', 'redis'] as const) : (['redis', 'ours'] as const)) {
      all[side].push(await measure(side));
    }
  }
  return all;
}

/** A field of INFO. */
export async function infoField(server: Server, section: string, field: string): Promise<string> {
  const client = await server.connect();
  try {
    const text = String(await client.ask('INFO', section));
    return new RegExp(`^${field}:(.*?)\\r?$`, 'm').exec(text)?.[1] ?? '';
  } finally {
    await client.close();
  }
}
