import { refused } from '../model/outcome.ts';

/** The answer to whatever is done in a room whose home nobody here knows the way to. */
export const homeless = refused('unavailable', 'The home of that room cannot be reached.');
