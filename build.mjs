// Build what the browser loads into static/build: one stylesheet, two scripts, the fonts and the icon sprite.
// Libraries come from node_modules; nothing that is built here is committed.
import { readFile, writeFile, mkdir, readdir } from "node:fs/promises";
import { existsSync, watch } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const root = path.dirname(fileURLToPath(import.meta.url));
const out = path.join(root, "static", "build");
const modules = path.join(root, "node_modules");

const filesBelow = async (folder, endings) => {
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
    .filter((file) => !file.includes("node_modules"));
};

const iconFile = (name) => path.join(modules, "@tabler", "icons", "icons", "outline", `${name}.svg`);

// Icons are named in templates ({% icon "check" %}), in Python data (icon="check", "icon": "check") and, where the name
// is put together at run time, in static/icons.txt.
const iconNames = async () => {
  const names = new Map();
  const note = (name, file) => names.has(name) || names.set(name, path.relative(root, file));
  const list = path.join(root, "static", "icons.txt");
  for (const line of (await readFile(list, "utf8")).split("\n")) {
    const name = line.replace(/#.*/, "").trim();
    if (name) note(name, list);
  }
  for (const file of await filesBelow(path.join(root, "templates"), [".html"])) {
    const text = await readFile(file, "utf8");
    for (const [, name] of text.matchAll(/\{%-?\s*icon\s+["']([a-z0-9-]+)["']/g)) note(name, file);
    for (const [, name] of text.matchAll(/\bicon=["']([a-z0-9-]+)["']/g)) note(name, file);
  }
  for (const app of ["leadsla", "leads", "sla", "feedback"]) {
    for (const file of await filesBelow(path.join(root, app), [".py"])) {
      const text = await readFile(file, "utf8");
      for (const [, name] of text.matchAll(/\bicon["']?\s*[=:]\s*["']([a-z0-9-]+)["']/g)) note(name, file);
    }
  }
  // The navigation names its icons by place: there, every text that is an icon's name counts as one.
  for (const file of await filesBelow(path.join(root, "leadsla", "home"), [".py"])) {
    const text = await readFile(file, "utf8");
    for (const [, name] of text.matchAll(/["']([a-z][a-z0-9]*(?:-[a-z0-9]+)*)["']/g)) {
      if (existsSync(iconFile(name))) note(name, file);
    }
  }
  return names;
};

const buildSprite = async () => {
  const symbols = [];
  for (const [name, where] of [...(await iconNames())].sort()) {
    const file = path.join(modules, "@tabler", "icons", "icons", "outline", `${name}.svg`);
    if (!existsSync(file))
      throw new Error(`${where} asks for the icon "${name}", which Tabler's outline set does not have.`);
    const svg = await readFile(file, "utf8");
    const paths = svg.replace(/<!--[\s\S]*?-->/g, "").match(/<svg[^>]*>([\s\S]*)<\/svg>/)[1];
    symbols.push(`<symbol id="i-${name}" viewBox="0 0 24 24">${paths.replace(/\s*\n\s*/g, "")}</symbol>`);
  }
  await writeFile(path.join(out, "sprite.svg"), `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`);
  return symbols.length;
};

// Tabler sits in a cascade layer below our own rules, so that ours win without longer selectors.
// The family is called Inter; only the two Latin subsets are served.
const styleEntry = async () => {
  const faces = await readFile(path.join(modules, "@fontsource-variable", "inter", "wght.css"), "utf8");
  const latin = faces
    .split(/(?=\/\* inter-)/)
    .filter((face) => /\/\* inter-latin(-ext)?-wght-normal \*\//.test(face))
    .join("\n")
    .replaceAll("Inter Variable", "Inter")
    .replaceAll("./files/", "@fontsource-variable/inter/files/");
  if ((latin.match(/@font-face/g) || []).length !== 2) throw new Error("The Latin subsets of Inter were not found.");
  return `@import "@tabler/core/dist/css/tabler.min.css" layer(tabler);\n@import "./static/css/app.css";\n${latin}`;
};

const common = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  logLevel: "warning",
  legalComments: "none",
  loader: { ".woff2": "file", ".svg": "dataurl" },
  assetNames: "[name]",
};

const build = async () => {
  await mkdir(out, { recursive: true });
  await esbuild.build({
    ...common,
    stdin: { contents: await styleEntry(), loader: "css", resolveDir: root },
    outfile: path.join(out, "app.css"),
  });
  await esbuild.build({
    ...common,
    entryPoints: { app: "static/js/app.js", charts: "static/js/charts.js" },
    outdir: out,
    format: "esm",
    target: "es2022",
  });
  return buildSprite();
};

const icons = await build();
console.log(`static/build: app.css, app.js, charts.js, fonts, sprite of ${icons} icons`);

if (process.argv.includes("--watch")) {
  let timer;
  for (const folder of ["static/css", "static/js", "static/icons.txt", "templates"]) {
    watch(path.join(root, folder), { recursive: true }, () => {
      clearTimeout(timer);
      timer = setTimeout(
        () =>
          build().then(
            () => console.log("rebuilt"),
            (error) => console.error(error.message),
          ),
        150,
      );
    });
  }
}
