// What native/addon/image.cc and native/addon/image_writer.cc share.
#pragma once

#include "image_format.h"

// Like setjmp(3): 0 at first, 1 in the processes that are made from the image.
extern "C" __attribute__((returns_twice)) int SaveContext(ImageContext* context);

// Writes this process to `path`; it has one thread. Files below `embed` become part of the image. `watched`,
// which is taken apart: see native/addon.ts.
bool WriteProcess(const char* path, const char* embed, char* watched, const ImageContext& context);

// V8 keeps its memory out of children (madvise(2), MADV_DONTFORK): lets them have all.
bool InheritAllMemory();
