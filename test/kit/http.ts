/** The shared HTTP port without a port: routes are kept, so that a test sees what a plugin offers. */
import type { HttpRoute, UpgradeRoute } from '../../server/contract/net.ts';
import type { RemovableHttp } from '../../server/host/plugin-host.ts';

export class VirtualHttp implements RemovableHttp {
  readonly routes = new Set<HttpRoute | UpgradeRoute>();
  readonly upgrades = new Map<string, UpgradeRoute>();
  readonly urls: readonly string[] = ['http://127.0.0.1:8080/'];

  route(route: HttpRoute): void {
    this.routes.add(route);
  }
  upgrade(route: UpgradeRoute): void {
    this.routes.add(route);
    this.upgrades.set(route.path, route);
  }
  remove(routes: Iterable<HttpRoute | UpgradeRoute>): void {
    for (const route of routes) this.routes.delete(route);
  }
  remoteAddress(): string {
    return '192.0.2.10';
  }
  secure(): boolean {
    return true;
  }
}
