// All that an application needs: Config, Server, PooledServer, Router, Request, Response and decode_segment().
#pragma once

#include "net/http/segment.h"
#include "server/config.h"
#include "server/router.h"
#include "server/server.h"
