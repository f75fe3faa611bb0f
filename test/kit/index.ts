/**
 * The kit for authors of plugins (`banyan/kit`): a server in memory, scripted peers, transcripts, and the suites that every
 * bridge should pass. docs/plugins.md shows it at work.
 */
export { VirtualClock } from './clock.ts';
export type { Footprint } from './footprint.ts';
export type { HttpClientOptions, HttpRequestOptions, WebSocketOptions } from './http.ts';
export type { CapturedLog, LogLine } from './log.ts';
export type { VirtualConnection } from './net/connection.ts';
export type { ConnectOptions, SrvRecord, VirtualNet } from './net/net.ts';
export { fingerprintOf, type VirtualCertificate } from './net/tls.ts';
export { Peer, type Expected, type PeerOptions } from './peer.ts';
export { Person, value } from './person.ts';
export { replay, type ReplayOptions } from './replay.ts';
export { joins, said } from './seen.ts';
export type { WebSocketPeer } from './web-socket.ts';
export { openServer, type KitOptions, type KitServer, type PeerHost, type StartedPlugin } from './server.ts';
export { parseTranscript, TranscriptError, TranscriptWriter, type Piece, type TranscriptEntry } from '../../server/net/transcript.ts';
export type { Attachment, AttachmentKind, ContractAdapter, Feature, ForeignHome, Sight } from './contract/attachment.ts';
export { checksFor, contract, type Runner } from './contract/index.ts';
export type { Check } from './contract/suites.ts';
