/** The colours of people: as many as the page gives out, each of them readable (WCAG 2.2, 1.4.3). */
import { expect } from 'chai';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repository } from '../../support/root.ts';

const styles = join(repository, 'plugins', 'web', 'page', 'styles');

/** Relative luminance of an oklch colour; what sRGB cannot show is cut off. */
function luminance(light: number, chroma: number, hue: number): number {
  const [a, b] = [chroma * Math.cos((hue * Math.PI) / 180), chroma * Math.sin((hue * Math.PI) / 180)];
  const l = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (light - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const cut = (part: number): number => Math.min(1, Math.max(0, part));
  const red = cut(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s);
  const green = cut(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s);
  const blue = cut(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

describe('the colours of people on the page', () => {
  it('are all there, and their letters stand out from their ground, in light and dark', async () => {
    const people = await readFile(join(styles, 'people.css'), 'utf8');
    const base = await readFile(join(styles, 'base.css'), 'utf8');
    const avatar = await readFile(join(repository, 'plugins', 'web', 'page', 'components', 'avatar.tsx'), 'utf8');
    const hues = Array.from(people.matchAll(/\.hue-(\d+) \{\s*--hue: (\d+);/g), ([, at, hue]) => [Number(at), Number(hue)] as const);
    const count = Number(/const hues = (\d+);/.exec(avatar)?.[1]);
    expect(hues.map(([at]) => at)).to.deep.equal(Array.from({ length: count }, (_, at) => at));
    expect(new Set(hues.map(([, hue]) => hue)).size).to.equal(count);
    const all = (name: string): number[] =>
      Array.from(base.matchAll(new RegExp(`--${name}: ([\\d.]+);`, 'g')), ([, found]) => Number(found));
    const themes = all('hue-light').map((light, at) => ({
      letter: [light, all('hue-chroma')[at]!] as const,
      ground: [all('avatar-light')[at]!, all('avatar-chroma')[at]!] as const,
    }));
    expect(themes.length).to.be.at.least(2);
    for (const { letter, ground } of themes)
      for (const [, hue] of hues) {
        const [dark, light] = [luminance(...letter, hue), luminance(...ground, hue)].toSorted((a, b) => a - b) as [number, number];
        expect((light + 0.05) / (dark + 0.05), `${letter[0]} on ${ground[0]}, hue ${hue}`).to.be.at.least(4.5);
      }
  });
});
