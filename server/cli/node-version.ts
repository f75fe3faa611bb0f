/** The oldest Node.js that has what the server uses; package.json says the same under "engines". */
const oldest = [20, 19] as const;

/** What is wrong with a version of Node.js, with the remedy. */
export function nodeComplaint(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return undefined;
  return `this is Node.js ${version}, and ${oldest.join('.')} or newer is needed; install it from nodejs.org or from your distribution`;
}
