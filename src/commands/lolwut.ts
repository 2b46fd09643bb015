/**
 * LOLWUT: the version, or computer art of older ones.
 *
 *   LOLWUT VERSION 5 [columns] [squares a row] [squares a column]     after Georg Nees, Schotter, 1968
 *   LOLWUT VERSION 6 [columns] [rows]                                 a skyline at night
 */

import { ONGGI_VERSION, REDIS_VERSION } from '../base/version.js';
import type { Args } from '../formats/resp/args.js';
import type { Context } from './context.js';
import { long } from './long-args.js';
import type { CommandSpec } from './spec.js';

export const LOLWUT_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'lolwut',
    arity: -1,
    flags: ['readonly', 'fast'],
    keys: [0, 0, 0],
    acl: [],
    since: '5.0.0',
    group: 'server',
    summary: 'Displays computer art and the Redis version',
    complexity: '',
    arguments: [{ name: 'version', type: 'integer', token: 'VERSION', optional: true }],
    handler: lolwut,
  },
];

const VERSIONS = `Redis ver. ${REDIS_VERSION}`;

function lolwut(c: Context, a: Args): void {
  const chosen = a.count >= 3 && a.is(1, 'VERSION');
  const version = chosen ? long(a, 2) : 0;
  const first = chosen ? 3 : 1;
  if (version === 5) {
    const columns = sized(a, first, 66, 1000);
    c.out.verbatim(schotter(columns, sized(a, first + 1, 8, 200), sized(a, first + 2, 12, 200)));
  } else if (version === 6) {
    c.out.verbatim(skyline(sized(a, first, 80, 1000), sized(a, first + 1, 20, 1000)));
  } else {
    c.out.verbatim(`${VERSIONS} (Onggi ver. ${ONGGI_VERSION})\n`);
  }
}

/** Argument i as a size of 1 to `max`; when there is none, `initial`. */
function sized(a: Args, i: number, initial: number, max: number): number {
  return i < a.count ? Math.min(Math.max(long(a, i), 1), max) : initial;
}

/** Pixels with a colour each. */
class Canvas {
  private readonly pixels: Uint8Array;

  constructor(
    readonly width: number,
    readonly height: number,
    background: number,
  ) {
    this.pixels = new Uint8Array(width * height).fill(background);
  }

  /** 0 outside. */
  at(x: number, y: number): number {
    return this.isInside(x, y) ? this.pixels[y * this.width + x]! : 0;
  }
  set(x: number, y: number, colour: number): void {
    if (this.isInside(x, y)) this.pixels[y * this.width + x] = colour;
  }
  private isInside(x: number, y: number): boolean {
    return x >= 0 && y >= 0 && x < this.width && y < this.height;
  }

  line(x1: number, y1: number, x2: number, y2: number): void {
    const steps = Math.max(Math.abs(x2 - x1), Math.abs(y2 - y1), 1);
    for (let i = 0; i <= steps; i++) {
      this.set(Math.round(x1 + ((x2 - x1) * i) / steps), Math.round(y1 + ((y2 - y1) * i) / steps), 1);
    }
  }

  square(x: number, y: number, side: number, angle: number): void {
    const radius = Math.round(side / Math.SQRT2);
    const corners = [0, 1, 2, 3].map((i) => {
      const direction = angle + Math.PI / 4 + (i * Math.PI) / 2;
      return [Math.round(x + Math.sin(direction) * radius), Math.round(y + Math.cos(direction) * radius)] as const;
    });
    corners.forEach(([x1, y1], i) => {
      const [x2, y2] = corners[(i + 1) % 4]!;
      this.line(x1, y1, x2, y2);
    });
  }
}

/** Bits of a braille character by column and row of its dots. */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
];

function braille(canvas: Canvas): string {
  let text = '';
  for (let y = 0; y < canvas.height; y += 4) {
    for (let x = 0; x < canvas.width; x += 2) {
      let dots = 0;
      for (let dx = 0; dx < 2; dx++) {
        for (let dy = 0; dy < 4; dy++) if (canvas.at(x + dx, y + dy) > 0) dots |= DOTS[dx]![dy]!;
      }
      text += String.fromCharCode(0x2800 + dots);
    }
    text += '\n';
  }
  return text;
}

/** Squares that lose their order from row to row. */
function schotter(columns: number, perRow: number, perColumn: number): string {
  const width = columns * 2;
  const padding = width > 4 ? 2 : 0;
  const side = (width - padding * 2) / perRow;
  const canvas = new Canvas(width, Math.trunc(side * perColumn + padding * 2), 0);
  for (let row = 0; row < perColumn; row++) {
    for (let i = 0; i < perRow; i++) {
      const disorder = () => (row > 1 ? ((Math.random() * 2 - 1) * row) / perColumn : 0);
      const x = Math.trunc(i * side + side / 2 + padding + (disorder() * side) / 3);
      const y = Math.trunc(row * side + side / 2 + padding + (disorder() * side) / 3);
      canvas.square(x, y, side, disorder());
    }
  }
  return `${braille(canvas)}\nGeorg Nees - schotter, plotter on paper, 1968. ${VERSIONS}\n`;
}

const BLACK = 0;
const DARK = 1;
const LIGHT = 2;
const WHITE = 3;
const COLOURS = ['0;30;40m', '0;90;100m', '0;37;47m', '0;97;107m'];

/** Houses before a moon, as games of eight bits drew them. */
function skyline(columns: number, rows: number): string {
  const canvas = new Canvas(columns, rows, WHITE);
  moon(canvas);
  for (const [colour, share] of [
    [LIGHT, 0.9],
    [DARK, 0.7],
    [BLACK, 0.5],
  ] as const) {
    let x = -random(10);
    while (x < columns) {
      const width = 8 + random(9);
      house(canvas, x, width, Math.round(rows * (0.2 + Math.random() * (share - 0.2))), colour);
      x += width + random(4) + 1;
    }
  }
  let text = '';
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) text += `\x1b[${COLOURS[canvas.at(x, y)]} \x1b[0m`;
    text += '\n';
  }
  return `${text}\nDedicated to the 8 bit game developers of past and present.\n${VERSIONS}\n`;
}

function random(below: number): number {
  return Math.floor(Math.random() * below);
}

function moon(canvas: Canvas): void {
  const radius = 3 + Math.random() * 3;
  const [x, y] = [random(canvas.width), Math.round(radius) + random(3)];
  for (let dy = -Math.ceil(radius); dy <= radius; dy++) {
    // Characters are about twice as high as they are wide.
    for (let dx = -2 * Math.ceil(radius); dx <= 2 * radius; dx++) {
      if ((dx / 2) ** 2 + dy ** 2 <= radius ** 2) canvas.set(x + dx, y + dy, LIGHT);
    }
  }
}

function house(canvas: Canvas, left: number, width: number, height: number, colour: number): void {
  const top = canvas.height - height;
  for (let y = top; y < canvas.height; y++) {
    for (let x = left; x < left + width; x++) {
      const isWindow = colour === BLACK && (x - left) % 3 === 1 && (y - top) % 2 === 1 && x < left + width - 1;
      canvas.set(x, y, isWindow && Math.random() < 0.4 ? LIGHT : colour);
    }
  }
}
