/** The link into an IRC network keeps the contract of a mirror. */
import { contract } from '../../kit/index.ts';
import { ircLink, ircLinkDialling, ngircdLink } from './adapters.ts';

contract('irc-link, dialled', ircLink);
contract('irc-link, dialling', ircLinkDialling);
contract('irc-link, an ngIRCd', ngircdLink);
