// All that an application needs: Config, Server, PooledServer, Router, Request and Response.
#pragma once

#include "server/config.h"
#include "server/router.h"
#include "server/server.h"
