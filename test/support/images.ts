/** The images of the programs under test. */
import { setTimeout as sleep } from 'node:timers/promises';
import { findImages, type Images } from '../../runsc/sandbox/images.ts';
import { installedPrograms } from '../../runsc/sandbox/package-files.ts';

/** As long as somebody else may take who is making them (image-maker.ts). */
const PATIENCE_MS = 600_000;

/** Makes them, or waits until whoever is about it has. */
export async function imagesUnderTest(): Promise<Images> {
  for (const end = Date.now() + PATIENCE_MS; ;) {
    const images = await findImages(installedPrograms());
    if (images !== null) return images;
    if (Date.now() > end) throw new Error('there are no images, and nobody makes any');
    await sleep(100);
  }
}
