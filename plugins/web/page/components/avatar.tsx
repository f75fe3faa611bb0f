import type { JSX } from 'preact';

const hues = 24;

/** A person keeps one colour: it comes from the address, which stays when the nick changes. */
export function hueOf(address: string): string {
  return `hue-${sumOf(address) % hues}`;
}

/** Of two people of one hue, one may have a light letter on a dark ground, the other the opposite. */
function lookOf(address: string): string {
  return `${hueOf(address)}${Math.floor(sumOf(address) / hues) % 2 === 0 ? '' : ' turned'}`;
}

/** FNV-1a. */
function sumOf(address: string): number {
  let sum = 2_166_136_261;
  for (let i = 0; i < address.length; i++) sum = Math.imul(sum ^ address.charCodeAt(i), 16_777_619);
  return sum >>> 0;
}

export function Avatar(props: {
  readonly nick: string;
  readonly address: string;
  readonly small?: boolean;
  readonly away?: boolean;
}): JSX.Element {
  const letter = Array.from(props.nick.replace(/^[^\p{L}\p{N}]+/u, '') || props.nick)[0] ?? '?';
  return (
    <span
      class={`avatar ${lookOf(props.address)}${props.small === true ? ' small' : ''}${props.away === true ? ' away' : ''}`}
      aria-hidden="true"
    >
      {letter.toUpperCase()}
    </span>
  );
}
