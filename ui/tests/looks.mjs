// How views look, as small texts that can be read and kept (tests/looks): of each cell of a picture how much is drawn
// in it (text, edges, marks: `.` is nothing, `z` is dense), and of each block of cells how light it is.
//
// Two looks are compared so that another version of a font, or a line that breaks elsewhere, makes no difference, and
// a panel that is missing, covered or empty does: a cell is held against those around it, and what remains must be a
// whole patch. What moves (times, rates) is marked `data-moving` or named by the step; it is masked as `?`.

import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inflateSync } from 'node:zlib';

const FOLDER = fileURLToPath(new URL('./looks/', import.meta.url));
/** A cell is about so wide and high, in px. */
const CELL = { x: 26.7, y: 25 };
/** Cells of a block whose lightness is kept. */
const BLOCK = 4;
/** Lightness (of 255) that makes an edge between two pixels. */
const EDGE = 10;
/** Of a cell full of text about a seventh of the pixels are edges. */
const DENSE = 1 / 60;
/** What a cell, with those around it, may differ. */
const NEAR = 1.9;
/** So many cells side by side that differ more are a difference. */
const PATCH = 4;
/** What a block may differ, of 16. */
const SHADE = 2;

/** The pixels of a PNG as Chromium writes it (8 bit, RGB or RGBA, not interlaced), as lightness. */
export function lightness(png) {
  const [width, height, depth, colour, interlaced] = [png.readUInt32BE(16), png.readUInt32BE(20), png[24], png[25], png[28]];
  const bytes = { 2: 3, 6: 4 }[colour];
  if (depth !== 8 || !bytes || interlaced) throw new Error(`a picture of colour type ${colour}, ${depth} bit`);
  const parts = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const raw = inflateSync(Buffer.concat(parts));
  const stride = width * bytes;
  const light = new Uint8Array(width * height);
  let before = new Uint8Array(stride);
  for (let y = 0; y < height; y += 1) {
    const filter = raw[y * (stride + 1)];
    const line = raw.subarray(y * (stride + 1) + 1, (y + 1) * (stride + 1));
    for (let x = 0; x < stride; x += 1) {
      const left = x >= bytes ? line[x - bytes] : 0;
      const corner = x >= bytes ? before[x - bytes] : 0;
      line[x] = (line[x] + predicted(filter, left, before[x], corner)) & 255;
    }
    for (let x = 0; x < width; x += 1) {
      const at = x * bytes;
      light[y * width + x] = (line[at] * 54 + line[at + 1] * 183 + line[at + 2] * 19) >> 8;
    }
    before = line;
  }
  return { width, height, light };
}

function predicted(filter, left, up, corner) {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

/** The look of a picture; `masks` are boxes whose content moves. */
export function lookOf(png, masks = []) {
  const { width, height, light } = lightness(png);
  const [columns, rows] = [Math.round(width / CELL.x), Math.round(height / CELL.y)];
  const [wide, high] = [width / columns, height / rows];
  const cells = Array.from({ length: rows }, () => new Array(columns).fill(0));
  const pixels = Array.from({ length: rows }, () => new Array(columns).fill(0));
  const shades = Array.from({ length: Math.ceil(rows / BLOCK) }, () => new Array(Math.ceil(columns / BLOCK)).fill(0));
  const counts = shades.map((line) => line.map(() => 0));
  for (let y = 0; y < height; y += 1) {
    const row = Math.min(rows - 1, Math.floor(y / high));
    for (let x = 0; x < width; x += 1) {
      const column = Math.min(columns - 1, Math.floor(x / wide));
      const is = light[y * width + x];
      const right = x + 1 < width ? light[y * width + x + 1] : is;
      const below = y + 1 < height ? light[(y + 1) * width + x] : is;
      pixels[row][column] += 1;
      if (Math.abs(is - right) > EDGE || Math.abs(is - below) > EDGE) cells[row][column] += 1;
      shades[Math.floor(row / BLOCK)][Math.floor(column / BLOCK)] += is;
      counts[Math.floor(row / BLOCK)][Math.floor(column / BLOCK)] += 1;
    }
  }
  const drawn = cells.map((line, row) => line.map((edges, column) => Math.min(35, Math.round(edges / pixels[row][column] / DENSE))));
  for (const { left, top, right, bottom } of masks)
    for (let row = Math.max(0, Math.floor(top / high)); row < rows && row * high < bottom; row += 1)
      for (let column = Math.max(0, Math.floor(left / wide)); column < columns && column * wide < right; column += 1) drawn[row][column] = null;
  return { drawn, shades: shades.map((line, row) => line.map((sum, column) => Math.min(15, Math.floor(sum / counts[row][column] / 16)))) };
}

export function written({ drawn, shades }) {
  const text = drawn.map((line) => line.map((cell) => (cell === null ? '?' : cell === 0 ? '.' : cell.toString(36))).join('')).join('\n');
  return `${text}\n\n${shades.map((line) => line.map((shade) => shade.toString(16)).join('')).join('\n')}\n`;
}

export function read(text) {
  const [drawn, shades] = text.trim().split('\n\n').map((part) => part.split('\n'));
  return {
    drawn: drawn.map((line) => [...line].map((cell) => (cell === '?' ? null : cell === '.' ? 0 : Number.parseInt(cell, 36)))),
    shades: shades.map((line) => [...line].map((shade) => Number.parseInt(shade, 16))),
  };
}

/** How much is drawn around each cell; null where nothing is known. */
function around(drawn) {
  return drawn.map((line, row) =>
    line.map((cell, column) => {
      if (cell === null) return null;
      let [sum, count] = [0, 0];
      for (const y of [row - 1, row, row + 1])
        for (const x of [column - 1, column, column + 1]) {
          const one = drawn[y]?.[x];
          if (one === undefined || one === null) continue;
          sum += one;
          count += 1;
        }
      return sum / count;
    }),
  );
}

/** What differs, in words; none is good. `marks` has `!` where. */
export function compare(was, is) {
  const size = ({ drawn }) => `${drawn[0].length}x${drawn.length}`;
  if (size(was) !== size(is)) return { says: [`it is ${size(is)} cells and was ${size(was)}`], marks: '' };
  const [old, now] = [around(was.drawn), around(is.drawn)];
  // What stands up to a cell further is the same: what was lies between what is around there now. And the other way.
  const far = (a, b) =>
    a.map((line, row) =>
      line.map((value, column) => {
        if (value === null || b[row][column] === null) return false;
        let [least, most] = [Infinity, -Infinity];
        for (const y of [row - 1, row, row + 1])
          for (const x of [column - 1, column, column + 1]) {
            const other = b[y]?.[x];
            if (other === undefined || other === null) continue;
            [least, most] = [Math.min(least, other), Math.max(most, other)];
          }
        return value < least - NEAR || value > most + NEAR;
      }),
    );
  const [gone, come] = [far(old, now), far(now, old)];
  const differs = gone.map((line, row) => line.map((one, column) => one || come[row][column]));
  const says = patches(differs)
    .filter((one) => one.length >= PATCH)
    .map((patch) => {
      const [rows, columns] = [patch.map(([row]) => row), patch.map(([, column]) => column)];
      const sum = (grid) => patch.reduce((all, [row, column]) => all + grid[row][column], 0);
      const how = sum(now) < sum(old) ? 'less is drawn' : 'more is drawn';
      return `${how} in ${patch.length} cells, columns ${Math.min(...columns)}-${Math.max(...columns)}, rows ${Math.min(...rows)}-${Math.max(...rows)}`;
    });
  // How light a block is in which something moves says nothing.
  const moves = ({ drawn }, row, column) => drawn.slice(row * BLOCK, (row + 1) * BLOCK).some((line) => line.slice(column * BLOCK, (column + 1) * BLOCK).includes(null));
  let shaded = 0;
  for (const [row, line] of was.shades.entries())
    for (const [column, shade] of line.entries())
      if (Math.abs(is.shades[row][column] - shade) >= SHADE && !moves(was, row, column) && !moves(is, row, column)) shaded += 1;
  if (shaded) says.push(`${shaded} blocks are lighter or darker`);
  const marks = differs.map((line, row) => line.map((one, column) => (one ? '!' : is.drawn[row][column] ? ':' : '.')).join('')).join('\n');
  return { says, marks };
}

/** Cells that differ, side by side. */
function patches(differs) {
  const seen = differs.map((line) => line.map(() => false));
  const all = [];
  for (const [row, line] of differs.entries())
    for (const [column, one] of line.entries()) {
      if (!one || seen[row][column]) continue;
      const patch = [];
      const open = [[row, column]];
      seen[row][column] = true;
      while (open.length) {
        const [y, x] = open.pop();
        patch.push([y, x]);
        for (const [ny, nx] of [[y - 1, x], [y + 1, x], [y, x - 1], [y, x + 1]])
          if (differs[ny]?.[nx] && !seen[ny][nx]) {
            seen[ny][nx] = true;
            open.push([ny, nx]);
          }
      }
      all.push(patch);
    }
  return all;
}

/** Those that are kept, and what was seen in this run. */
export class Looks {
  renews = process.env.UPDATE_LOOKS === '1';
  different = [];
  seen = new Map();

  constructor(out) {
    this.out = out;
  }

  take(name, how, png, masks) {
    const look = lookOf(png, masks);
    const all = this.seen.get(name) ?? {};
    all[how] = written(look);
    this.seen.set(name, all);
    if (this.renews) return;
    const kept = this.kept(name)[how];
    if (kept === undefined) {
      this.different.push(`${name} (${how}): there is no look of it`);
      return;
    }
    const { says, marks } = compare(read(kept), look);
    if (!says.length) return;
    writeFileSync(join(this.out, `${name}-${how}.differs.txt`), `${marks}\n\nis:\n${written(look)}\nwas:\n${kept}`);
    this.different.push(`${name} (${how}): ${says.join('; ')}`);
  }

  /** The kept looks of a view, by how it is looked at. */
  kept(name) {
    const path = join(FOLDER, `${name}.txt`);
    if (!existsSync(path)) return {};
    const parts = readFileSync(path, 'utf8').split(/^== (.*)$/m).slice(1);
    const all = {};
    for (let at = 0; at + 1 < parts.length; at += 2) all[parts[at]] = parts[at + 1].trimStart();
    return all;
  }

  /** Says what differs, or keeps what was seen. `whole`: all steps were run, so that every kept look has its view. */
  verdict(whole) {
    if (this.renews) {
      mkdirSync(FOLDER, { recursive: true });
      for (const [name, all] of this.seen)
        writeFileSync(join(FOLDER, `${name}.txt`), Object.entries(all).map(([how, text]) => `== ${how}\n${text}`).join('\n'));
      return [];
    }
    const kept = existsSync(FOLDER) ? readdirSync(FOLDER).map((file) => file.replace('.txt', '')) : [];
    const lost = whole ? kept.filter((name) => !this.seen.has(name)) : [];
    return [...this.different, ...lost.map((name) => `${name}: no view looks like this any more: remove ui/tests/looks/${name}.txt`)];
  }
}
