import type { JSX } from 'preact';

const hues = 12;

/** A person keeps one colour: it comes from the address, which stays when the nick changes. */
export function hueOf(address: string): string {
  let sum = 2_166_136_261;
  for (let i = 0; i < address.length; i++) sum = Math.imul(sum ^ address.charCodeAt(i), 16_777_619);
  return `hue-${(sum >>> 0) % hues}`;
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
      class={`avatar ${hueOf(props.address)}${props.small === true ? ' small' : ''}${props.away === true ? ' away' : ''}`}
      aria-hidden="true"
    >
      {letter.toUpperCase()}
    </span>
  );
}
