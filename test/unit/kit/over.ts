/** Calls go to `changed` where it has them, else to what stands behind. */
export function over<Service extends object>(service: Service, changed: Partial<Service>): Service {
  return new Proxy(service, {
    get(target, key) {
      const found: unknown = Reflect.get(key in changed ? changed : target, key);
      return typeof found === 'function' ? (found.bind(target) as unknown) : found;
    },
  });
}
