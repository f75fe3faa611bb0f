import type { JSX } from 'preact';
import { pieces, type Piece, type Span } from '../text.ts';

export function MessageText({
  text,
  spans,
  ownNick,
}: {
  readonly text: string;
  readonly spans: readonly Span[];
  readonly ownNick?: string;
}): JSX.Element {
  return <>{pieces(text, spans, ownNick).map((piece, at) => draw(piece, at))}</>;
}

function draw(piece: Piece, key: number): JSX.Element {
  const classes = [
    piece.bold ? 'bold' : '',
    piece.italic ? 'italic' : '',
    piece.underline ? 'underline' : '',
    piece.strike ? 'strike' : '',
    piece.quote ? 'quote' : '',
    piece.colour === undefined ? '' : 'coloured',
  ]
    .filter((name) => name !== '')
    .join(' ');
  const inner = piece.code ? <code>{piece.text}</code> : piece.mention ? <mark>{piece.text}</mark> : piece.text;
  if (piece.href !== undefined)
    return (
      <a key={key} class={classes} href={piece.href} target="_blank" rel="noopener noreferrer nofollow">
        {inner}
      </a>
    );
  // The colours of the sender are mixed into the text's own so that they can be read on both grounds.
  return (
    <span key={key} class={classes} {...(piece.colour === undefined ? {} : { style: { '--sent': piece.colour } })}>
      {inner}
    </span>
  );
}
