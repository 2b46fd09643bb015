/**
 * Plays random commands against two servers in windows: a window starts on empty data, so that a difference is repeated by
 * its window alone. Replies are compared one by one, the whole data set (DEBUG DIGEST) every thousand commands; DEBUG
 * RELOAD is thrown in. The window's commands are then shrunk to the few that matter.
 */
import type { Server } from '../support/server.js';
import { CrowdPlayer } from './crowd-player.js';
import type { RandomCommand } from './generator.js';
import { scriptLine } from './judge.js';
import { type Found, PipelinePlayer, type Player } from './pipeline-player.js';
import type { Protocol } from './script.js';
import { shrink } from './shrink.js';
import { drawWindow } from './windows.js';

export interface RandomRunOptions {
  seed: number;
  commands: number;
  windowCommands?: number;
  /** How many differing windows to gather before the run ends. */
  failuresMax?: number;
  /** With the append-only file on: DEBUG LOADAOF is thrown in beside RELOAD, so that what is logged is judged too. */
  aof?: boolean;
  progress?: (commandsDone: number) => void;
}

export interface RandomDifference {
  /** Index of the command that differed, from the run's start. */
  command: number;
  protocol: Protocol;
  /** What differed at first, ready to print. */
  text: string;
  /** A script (see script.ts) that repeats it. */
  script: string;
}

export interface RandomRunResult {
  commands: number;
  differences: RandomDifference[];
}

/** @param servers the oracle and ours */
export async function randomRun(
  servers: readonly [Server, Server],
  options: RandomRunOptions,
): Promise<RandomRunResult> {
  const { seed, commands, windowCommands = 4000, failuresMax = 1, aof = false } = options;
  const result: RandomRunResult = { commands: 0, differences: [] };
  const pipeline = await PipelinePlayer.open(servers, aof);
  const crowd = new CrowdPlayer(servers);
  try {
    for (let window = 0; result.commands < commands; window++) {
      const { kind, protocol, list } = drawWindow(
        seed,
        window,
        Math.min(windowCommands, commands - result.commands),
        aof,
      );
      const player = kind === 'crowd' ? crowd : pipeline;
      const found = await player.play(list, protocol);
      if (found !== null) {
        result.differences.push(
          await explain(player, list.slice(0, found.index + 1), protocol, found, result.commands),
        );
        if (result.differences.length >= failuresMax) return result;
      }
      result.commands += list.length;
      options.progress?.(result.commands);
    }
  } finally {
    await pipeline.close();
  }
  return result;
}

async function explain(
  player: Player,
  list: RandomCommand[],
  protocol: Protocol,
  found: Found,
  before: number,
): Promise<RandomDifference> {
  const fails = async (candidate: RandomCommand[]): Promise<boolean> =>
    (await player.play(candidate, protocol)) !== null;
  const command = before + found.index + 1;
  if (!(await fails(list))) return { command, protocol, text: found.text, script: '# it did not happen again' };
  const short = await shrink(list, fails);
  const last = await player.play(short, protocol);
  const lines = short.slice(0, (last?.index ?? short.length) + 1).map(scriptLine);
  const remark = (last?.text ?? 'it did not happen again').split('\n').map((line) => `# ${line}`);
  return { command, protocol, text: found.text, script: [`@${protocol}`, ...lines, ...remark].join('\n') };
}
