// Draws a heat map by itself, for findings that come without their overlay.

// Anchors of cividis, as the service's own overlay has them.
const CIVIDIS = [
  [0, 34, 78], [18, 53, 112], [59, 73, 108], [87, 93, 109], [112, 113, 115],
  [138, 134, 120], [165, 156, 116], [195, 179, 105], [225, 204, 85], [254, 232, 56],
];
const STRONGEST = 0.6;
const WIDTH = 512;

function colour(value) {
  const position = Math.min(Math.max(value, 0), 1) * (CIVIDIS.length - 1);
  const low = Math.min(Math.floor(position), CIVIDIS.length - 2);
  return CIVIDIS[low].map((part, i) => part + (CIVIDIS[low + 1][i] - part) * (position - low));
}

/** A transparent picture of the map, as wide and high as the scan in proportion, as a data URI. */
export function heatPicture({ grid, frame }, { width, height }) {
  const small = new OffscreenCanvas(grid[0].length, grid.length);
  const pixels = grid.flat().flatMap((value) => [...colour(value), 255 * STRONGEST * value]);
  small.getContext("2d").putImageData(new ImageData(Uint8ClampedArray.from(pixels), small.width, small.height), 0, 0);
  const large = document.createElement("canvas");
  large.width = WIDTH;
  large.height = Math.max(1, Math.round((WIDTH * height) / width));
  const [left, top, right, bottom] = frame.map((edge) => (edge * WIDTH) / width);
  const context = large.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(small, left, top, right - left, bottom - top);
  return large.toDataURL();
}
