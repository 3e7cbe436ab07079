#include "server/connection_table.h"

#include <gtest/gtest.h>

namespace httpdyno {
namespace {

TEST(ConnectionTable, AFreedPlaceIsReusedUnderANewGeneration) {
  ConnectionTable table(2);
  io::ConnId first;
  Connection& place = table.allocate(first);
  EXPECT_EQ(table.find(first), &place);
  table.free(first);
  EXPECT_EQ(table.find(first), nullptr);
  io::ConnId second;
  EXPECT_EQ(&table.allocate(second), &place);
  EXPECT_EQ(second.index, first.index);
  EXPECT_NE(second.generation, first.generation);
  EXPECT_EQ(table.find(first), nullptr);
  EXPECT_EQ(table.find(second), &place);
}

TEST(ConnectionTable, IsFullAtItsCapacity) {
  ConnectionTable table(100);
  std::vector<io::ConnId> ids(100);
  for (io::ConnId& id : ids) {
    EXPECT_FALSE(table.full());
    table.allocate(id);
  }
  EXPECT_TRUE(table.full());
  table.free(ids[50]);
  EXPECT_FALSE(table.full());
  EXPECT_EQ(table.active(), 99U);
}

TEST(ConnectionTable, AnUnknownIdIsStale) {
  ConnectionTable table(10);
  EXPECT_EQ(table.find({1000, 0}), nullptr);
}

// The memory of an idle connection is what a hundred thousand of them multiply.
TEST(Connection, StaysSmall) { EXPECT_LE(sizeof(Connection), 256U); }

}  // namespace
}  // namespace httpdyno
