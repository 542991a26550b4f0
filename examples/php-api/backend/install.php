<?php
// What was left behind when the API was installed. It empties the records.
file_put_contents(getenv('RECORDS') ?: sys_get_temp_dir() . '/php-api-records.json', '');
echo "installed\n";
