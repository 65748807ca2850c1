-- error: opens a file
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	io.open("/etc/passwd")
end)
