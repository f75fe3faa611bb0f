/** Links a Parley server: its rooms and ours are one, its people are users here, ours are users there. */
import { definePlugin } from 'banyan/plugin';
import { Bridge } from './bridge.ts';
import { configSchema, type Config } from './config.ts';

export default definePlugin<Config>({
  name: 'parley',
  version: '0.1.0',
  config: configSchema,
  enabledByDefault: false,
  async start(host, config) {
    const bridge = new Bridge(host, config);
    await bridge.start(config.rooms);
    return {
      stop: () => Promise.resolve(bridge.stop()),
      status() {
        const link = bridge.link.status();
        return { summary: `${link.state}, ${bridge.network.users.size} people there`, links: [link] };
      },
    };
  },
});
