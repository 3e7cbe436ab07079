// An address that is known to be one.
#pragma once

#include <gtest/gtest.h>

#include "loadgen/base/url.h"

namespace httpdyno::loadgen {

inline Url url_of(const char* text) {
  Url url;
  EXPECT_EQ(parse_url(text, url), "");
  return url;
}

}  // namespace httpdyno::loadgen
